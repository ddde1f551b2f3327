//! Which engine the modules' data are on, and how PostgreSQL is reached.

use std::{path::PathBuf, time::Duration};

use kernel::Secret;
use serde::Deserialize;

use super::{Config, Mistakes, Profile, address::Address, secrets};

/// Which engine the modules of this program have their data on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite`, the default of the local profiles, or `postgres`. Production has no default: a
    /// section that was forgotten must not begin with empty data in a file.
    pub engine: Option<StoreEngine>,
}

impl StoreConfig {
    /// The engine; the embedded one where nothing is said.
    #[must_use]
    pub fn engine(self) -> StoreEngine {
        self.engine.unwrap_or_default()
    }
}

/// The kinds of database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreEngine {
    /// A file for each module under `data.dir`, owned by one process.
    #[default]
    Sqlite,
    /// A schema and roles for each module; any number of replicas.
    Postgres,
}

/// `[postgres]`: how the modules' schemas are reached, unless a module says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresConfig {
    /// `postgres://host:port/database?sslmode=…`, without user and password: each module comes as
    /// its own roles.
    pub url: Option<String>,
    /// For `migrate` alone: the same database, as a user who may create schemas and roles.
    pub admin_url: Option<Secret>,
    /// A file that holds it. It is read by `migrate` alone, so that a program which serves need
    /// not be able to read it.
    pub admin_url_file: Option<PathBuf>,
    /// Connections of each module's application role: 1 to 200.
    pub connections: u32,
    /// Connections of each module's system role: 1 to 50.
    pub system_connections: u32,
    /// How long work waits for a connection, in seconds, before it is refused with 503: 1 to 30,
    /// and less than `public.request_seconds`. Where the queue never empties for a quarter of it,
    /// newcomers wait for a twentieth.
    pub acquire_seconds: u64,
    /// What is between the programs and the server.
    pub pooler: Pooler,
    /// The password of the modules' application roles.
    pub app_password: Option<Secret>,
    /// A file that holds it.
    pub app_password_file: Option<PathBuf>,
    /// The password of the modules' system roles.
    pub system_password: Option<Secret>,
    /// A file that holds it.
    pub system_password_file: Option<PathBuf>,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            admin_url: None,
            admin_url_file: None,
            connections: 10,
            system_connections: 8,
            acquire_seconds: 1,
            pooler: Pooler::None,
            app_password: None,
            app_password_file: None,
            system_password: None,
            system_password_file: None,
        }
    }
}

/// `[modules.<name>.postgres]`: what is a module's own; the rest is as `[postgres]` has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModulePostgresConfig {
    /// Where this module's schema is.
    pub url: Option<String>,
    /// As [`PostgresConfig::admin_url`], of that database.
    pub admin_url: Option<Secret>,
    /// A file that holds it.
    pub admin_url_file: Option<PathBuf>,
    /// The password of its application role.
    pub app_password: Option<Secret>,
    /// A file that holds it.
    pub app_password_file: Option<PathBuf>,
    /// The password of its system role.
    pub system_password: Option<Secret>,
    /// A file that holds it.
    pub system_password_file: Option<PathBuf>,
}

/// What is between the programs and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooler {
    /// Nothing: connections are direct, or pooled for a whole session.
    #[default]
    None,
    /// A pooler that gives a connection for one transaction, as PgBouncer in transaction mode.
    Transaction,
}

/// Where one module's schema is, and as whom it is reached.
#[derive(Clone, Debug)]
pub struct ModuleDatabase {
    /// As [`PostgresConfig::url`].
    pub url: String,
    /// The application role's password, where it has one.
    pub app_password: Option<Secret>,
    /// The system role's password, where it has one.
    pub system_password: Option<Secret>,
}

impl Config {
    /// Where `module`'s schema is. `None` where no URL is set, which the check has reported.
    #[must_use]
    pub fn database_of(&self, module: &str) -> Option<ModuleDatabase> {
        let own = self.databases.get(module);
        let shared = &self.postgres;
        let url = own.and_then(|own| own.url.as_ref()).or(shared.url.as_ref())?;
        let of_app = own.and_then(|own| own.app_password.as_ref());
        let of_system = own.and_then(|own| own.system_password.as_ref());
        Some(ModuleDatabase {
            url: url.clone(),
            app_password: of_app.or(shared.app_password.as_ref()).cloned(),
            system_password: of_system.or(shared.system_password.as_ref()).cloned(),
        })
    }

    /// Who `migrate` is at `module`'s database. Reads the file that holds it.
    pub(crate) fn admin_url_of(&self, module: &str, mistakes: &mut Mistakes) -> Option<Secret> {
        let own = self.databases.get(module);
        let own = own.filter(|own| own.admin_url.is_some() || own.admin_url_file.is_some());
        let (place, mut url, file) = match own {
            Some(own) => (own_place(module), own.admin_url.clone(), &own.admin_url_file),
            None => {
                let shared = &self.postgres;
                ("postgres".to_owned(), shared.admin_url.clone(), &shared.admin_url_file)
            }
        };
        let place = format!("{place}.admin_url");
        secrets::from_file(&place, &mut url, file.as_deref(), mistakes);
        let Some(url) = url else {
            mistakes.add(&place, format!("is needed to migrate {module}: who may create schemas"));
            return None;
        };
        let served = self.database_of(module).and_then(|database| database_name(&database.url));
        let checked = Address::parse(url.expose()).and_then(|address| {
            address.check_admin()?;
            address.check_encryption(self.profile)?;
            match served {
                Some(served) if address.database() != served => Err(format!(
                    "is another database than the one that {module} is served from, `{served}`"
                )),
                _ => Ok(()),
            }
        });
        match checked {
            Ok(()) => Some(url),
            Err(what) => {
                mistakes.add(&place, what);
                None
            }
        }
    }

    /// How long work waits for a connection.
    #[must_use]
    pub const fn acquire_time(&self) -> Duration {
        Duration::from_secs(self.postgres.acquire_seconds)
    }

    pub(super) fn read_passwords(&mut self, mistakes: &mut Mistakes) {
        let shared = &mut self.postgres;
        let read = secrets::from_file;
        let file = shared.app_password_file.as_deref();
        read("postgres.app_password", &mut shared.app_password, file, mistakes);
        let file = shared.system_password_file.as_deref();
        read("postgres.system_password", &mut shared.system_password, file, mistakes);
        for (module, own) in &mut self.databases {
            let place = own_place(module);
            let file = own.app_password_file.as_deref();
            read(&format!("{place}.app_password"), &mut own.app_password, file, mistakes);
            let file = own.system_password_file.as_deref();
            read(&format!("{place}.system_password"), &mut own.system_password, file, mistakes);
        }
    }

    /// Checks where the data of the modules that run here are to be.
    pub(crate) fn check_stores(&self, local: &[&str], mistakes: &mut Mistakes) {
        if local.is_empty() {
            return;
        }
        match self.store.engine {
            None if self.profile == Profile::Production => mistakes.add(
                "store.engine",
                "is `postgres` or `sqlite`; in production it has no default, so that nothing \
                 begins with empty data by mistake",
            ),
            Some(StoreEngine::Postgres) => self.check_postgres(local, mistakes),
            None if local.iter().any(|module| self.database_of(module).is_some()) => mistakes.add(
                "store.engine",
                "is not set, but `postgres.url` is: say `postgres`, or `sqlite`",
            ),
            _ => {}
        }
    }

    fn check_postgres(&self, local: &[&str], mistakes: &mut Mistakes) {
        let shared = &self.postgres;
        let bounded = [
            ("postgres.connections", u64::from(shared.connections), 1, 200),
            ("postgres.system_connections", u64::from(shared.system_connections), 1, 50),
            ("postgres.acquire_seconds", shared.acquire_seconds, 1, 30),
        ];
        for (key, value, least, most) in bounded {
            if !(least..=most).contains(&value) {
                mistakes.add(key, format!("is between {least} and {most}, not {value}"));
            }
        }
        if shared.acquire_seconds >= self.public.request_seconds {
            mistakes.add(
                "postgres.acquire_seconds",
                "is less than `public.request_seconds`: who waits for a connection is to be told so",
            );
        }
        if let Some(url) = &shared.url {
            self.check_database("postgres.url", url, mistakes);
        } else if local.iter().any(|module| self.database_of(module).is_none()) {
            mistakes.add(
                "postgres.url",
                "is needed by `store.engine = \"postgres\"`: postgres://host:port/database",
            );
        }
        for (module, own) in &self.databases {
            if let Some(url) = &own.url {
                self.check_database(&format!("{}.url", own_place(module)), url, mistakes);
            }
        }
        if self.profile == Profile::Production {
            self.check_passwords(local, mistakes);
        }
    }

    fn check_database(&self, place: &str, url: &str, mistakes: &mut Mistakes) {
        let checked = Address::parse(url).and_then(|address| {
            address.check_served()?;
            address.check_encryption(self.profile)
        });
        if let Err(what) = checked {
            mistakes.add(place, what);
        }
    }

    /// A role without a password is for certificates and sockets, where something else says who
    /// comes.
    fn check_passwords(&self, local: &[&str], mistakes: &mut Mistakes) {
        for module in local {
            let Some(database) = self.database_of(module) else { continue };
            let known_otherwise = Address::parse(&database.url)
                .is_ok_and(|address| address.is_socket() || address.option("sslcert").is_some());
            if known_otherwise {
                continue;
            }
            let passwords =
                [("app", &database.app_password), ("system", &database.system_password)];
            for (role, password) in passwords {
                if password.is_none() {
                    mistakes.add(
                        format!("postgres.{role}_password"),
                        format!("is needed in production, for the role {module}_{role}"),
                    );
                }
            }
        }
    }
}

fn own_place(module: &str) -> String {
    format!("modules.{module}.postgres")
}

fn database_name(url: &str) -> Option<String> {
    Some(Address::parse(url).ok()?.database().to_owned())
}
