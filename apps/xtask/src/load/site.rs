//! Shapes on copies of the same seeded data.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use kernel::Secret;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, raw_sql};

use super::{hop, options::Engine as Choice, watch::Watched};
use crate::{
    services::{self, Durability, Engine as Kind, Otherwise, Server},
    shapes::{self, Binaries, Detour, Engine, Launch, RealEngines, Running, Schemas},
    tools::Install,
};

/// The database that was seeded.
const SEEDED: &str = "seeded";

/// What the payment provider's webhooks are signed with.
pub(super) const WEBHOOK_SECRET: &str = "whsec_of_a_campaign";

/// What all programs are told. They tell an operator of their calls. People stay logged in for
/// the whole campaign: hashing their passwords before each run would take longer than the run. What a
/// seat's reservation leaves in doubt is known sooner than after two minutes, so that the books can be
/// balanced. Webhooks are taken, though nobody but the generator sends any.
fn settings() -> [(&'static str, String); 4] {
    [
        ("ASHLAR__INTERNAL__OPERATOR_TOKEN", hop::OPERATOR.to_owned()),
        ("ASHLAR__AUTH__ACCESS_TOKEN_SECONDS", "21600".to_owned()),
        ("ASHLAR__AUTH__RESERVATION_PATIENCE_SECONDS", "20".to_owned()),
        ("ASHLAR__STRIPE__WEBHOOK_SECRETS", format!("[\"{WEBHOOK_SECRET}\"]")),
    ]
}

/// The engines of one campaign, and the data that every run begins with.
pub(super) struct Site {
    engines: Option<Engines>,
    folder: PathBuf,
    runs: u32,
}

struct Engines {
    postgres: Server,
    rabbitmq: Server,
    haproxy: PathBuf,
}

/// What a shape is started on.
struct Grounds {
    data: PathBuf,
    people: PathBuf,
    database: Option<String>,
    schemas: Schemas,
}

/// A shape at work on data of its own.
pub(super) struct Shown {
    pub(super) running: Running,
    /// Where clients find it.
    pub(super) url: String,
    /// Who the generator is to be.
    pub(super) people: PathBuf,
    data: PathBuf,
    database: Option<String>,
}

/// What is another than usual about a shape.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Programs of which there are several.
    pub(super) replicas: BTreeMap<String, usize>,
    /// Where programs find PostgreSQL, when that is not where it is.
    pub(super) postgres: Option<u16>,
    /// Ways between programs that lead through something else.
    pub(super) detours: Vec<Detour>,
    /// What programs are told besides.
    pub(super) settings: Vec<(&'static str, String)>,
}

impl Site {
    /// Starts the engines that are wanted.
    pub(super) async fn new(choice: Choice, install: Install, folder: &Path) -> Result<Self> {
        let engines = match choice {
            Choice::Embedded => None,
            Choice::Postgres => {
                services::ensure(&[Kind::Postgres, Kind::RabbitMq], install, Otherwise::Nothing)?;
                let haproxy = services::haproxy(install)?;
                let postgres = Server::postgres(Durability::Real).await?;
                Some(Engines { postgres, rabbitmq: Server::rabbitmq().await?, haproxy })
            }
        };
        Ok(Self { engines, folder: folder.to_owned(), runs: 0 })
    }

    /// What the report calls the engines.
    pub(super) async fn name(&self) -> Result<String> {
        let Some(engines) = &self.engines else {
            return Ok(load_report::model::names::EMBEDDED.to_owned());
        };
        let mut connection = PgConnection::connect(engines.postgres.url().expose()).await?;
        let version: String =
            sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        Ok(format!("PostgreSQL {version} (fsync on) and RabbitMQ"))
    }

    /// What stands before replicas, where there can be some.
    pub(super) fn haproxy(&self) -> Option<&Path> {
        Some(&self.engines.as_ref()?.haproxy)
    }

    /// Starts a shape on the data that are to be seeded.
    pub(super) async fn first(&mut self, binaries: &Binaries) -> Result<Shown> {
        let (data, people) = (self.folder.join("seeded"), self.folder.join("people.json"));
        if let Some(engines) = &self.engines {
            engines.run(&format!("CREATE DATABASE {SEEDED}")).await?;
        }
        let database = self.engines.as_ref().map(|_| SEEDED.to_owned());
        let grounds = Grounds { data, people, database, schemas: Schemas::Migrated };
        self.show(binaries, grounds, Layout::default()).await
    }

    /// Starts a shape on a copy of what was seeded.
    pub(super) async fn next(&mut self, binaries: &Binaries, layout: Layout) -> Result<Shown> {
        self.runs += 1;
        let number = self.runs;
        let data = self.folder.join(format!("data-{number}"));
        copy(&self.folder.join("seeded"), &data)?;
        let people = data.join("people.json");
        fs::copy(self.folder.join("people.json"), &people).context("copying who people are")?;
        let mut database = None;
        if let Some(engines) = &self.engines {
            let name = format!("run_{number}");
            engines.run(&format!("CREATE DATABASE {name} TEMPLATE {SEEDED}")).await?;
            database = Some(name);
        }
        let grounds = Grounds { data, people, database, schemas: Schemas::AsTheyAre };
        self.show(binaries, grounds, layout).await
    }

    /// Starts a shape on the embedded engine, with nothing in it.
    pub(super) async fn embedded(&self, binaries: &Binaries) -> Result<Shown> {
        let data = self.folder.join("embedded");
        let people = data.join("people.json");
        let grounds = Grounds { data, people, database: None, schemas: Schemas::AsTheyAre };
        self.show(binaries, grounds, Layout::default()).await
    }

    async fn show(&self, binaries: &Binaries, on: Grounds, layout: Layout) -> Result<Shown> {
        let Grounds { data, people, database, schemas } = on;
        let engine = match (&self.engines, &database) {
            (Some(engines), Some(database)) => {
                let told = engines.told(database, layout.postgres);
                Engine::Real(told)
            }
            _ => Engine::Embedded,
        };
        let launch = Launch {
            schemas: if database.is_some() { schemas } else { Schemas::AsTheyAre },
            engine,
            replicas_of: layout.replicas,
            detours: layout.detours,
            ..Launch::for_test(&data).told(settings()).told(layout.settings)
        };
        let running = shapes::launch(binaries, launch).await?;
        let url = running.public_url();
        Ok(Shown { running, url, people, data, database })
    }

    /// The database of `shown` for the application role of `module`, and for a superuser.
    pub(super) fn logins(&self, shown: &Shown, module: &str) -> Result<[Secret; 2]> {
        let engines = self.engines.as_ref().zip(shown.database.as_ref());
        let (engines, database) = engines.context("there is no PostgreSQL")?;
        let told = engines.told(database, None);
        let app = told.login(module)?;
        Ok([app, told.postgres])
    }

    /// Where PostgreSQL is, where there is one.
    pub(super) fn postgres(&self) -> Option<SocketAddr> {
        let engines = self.engines.as_ref()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, engines.postgres.port())))
    }

    /// Who is to be watched while `shown` works.
    pub(super) fn watched(&self, shown: &Shown) -> Vec<Watched> {
        let programs = shown.running.programs().iter().filter_map(|program| {
            let name = program.name().split('#').next().unwrap_or_default().to_owned();
            Some(Watched { name, pid: program.pid()? })
        });
        let engines = self.engines.iter().flat_map(|engines| {
            let named = |name: &str, server: &Server| {
                server.pid().map(|pid| Watched { name: name.to_owned(), pid })
            };
            [named("postgres", &engines.postgres), named("rabbitmq", &engines.rabbitmq)]
        });
        programs.chain(engines.flatten()).collect()
    }

    /// Stops a shape, and keeps its data.
    pub(super) async fn keep(&self, shown: Shown) -> Result<()> {
        shown.running.stop().await
    }

    /// Stops a shape, and removes its data.
    pub(super) async fn clear(&self, shown: Shown) -> Result<()> {
        shown.running.stop().await?;
        if let (Some(engines), Some(database)) = (&self.engines, &shown.database) {
            engines.run(&format!("DROP DATABASE {database} WITH (FORCE)")).await?;
            engines.told(database, None).clear_broker().await?;
        }
        fs::remove_dir_all(&shown.data)
            .with_context(|| format!("removing {}", shown.data.display()))
    }
}

impl Shown {
    /// Where its data are.
    pub(super) fn folder(&self) -> &Path {
        &self.data
    }
}

impl Site {
    /// Removes what every run began with.
    pub(super) fn leave(&self) -> Result<()> {
        let seeded = self.folder.join("seeded");
        fs::remove_dir_all(&seeded).with_context(|| format!("removing {}", seeded.display()))?;
        let people = self.folder.join("people.json");
        fs::remove_file(&people).with_context(|| format!("removing {}", people.display()))
    }
}

impl Engines {
    async fn run(&self, statement: &str) -> Result<()> {
        let mut connection = PgConnection::connect(self.postgres.url().expose()).await?;
        connection.execute(raw_sql(AssertSqlSafe(statement.to_owned()))).await?;
        Ok(())
    }

    /// What in them is one shape's.
    fn told(&self, database: &str, port: Option<u16>) -> RealEngines {
        let url = self.postgres.url();
        let server = url.expose().rsplit_once('/').map_or(url.expose(), |(server, _)| server);
        let own = format!(":{}", self.postgres.port());
        let server = match port.zip(server.strip_suffix(&own)) {
            Some((port, host)) => format!("{host}:{port}"),
            None => server.to_owned(),
        };
        RealEngines {
            postgres: Secret::new(format!("{server}/{database}")),
            rabbitmq: Some(self.rabbitmq.url()),
            redis: None,
            prefix: database.replace('_', "-"),
        }
    }
}

/// A folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("copying {}", from.display());
    fs::create_dir_all(to).with_context(context)?;
    for entry in fs::read_dir(from).with_context(context)? {
        let entry = entry.with_context(context)?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).with_context(context)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_with_what_is_below_it() {
        let from = tempfile::tempdir().expect("a folder");
        let to = tempfile::tempdir().expect("a folder");
        fs::create_dir(from.path().join("keys")).expect("a folder in it");
        fs::write(from.path().join("keys/a.pem"), "key").expect("a file");
        copy(from.path(), &to.path().join("copy")).expect("a copy");
        let copied = fs::read_to_string(to.path().join("copy/keys/a.pem"));
        assert_eq!(copied.expect("the file"), "key");
    }
}
