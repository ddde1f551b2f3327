//! Databases of PostgreSQL: cloned from a template that the first test of a build makes.

mod template;

use std::{process, thread};

use kernel::Secret;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use storage::PostgresConfig;

use self::template::Template;

use crate::DatabaseError;

/// A database of its own, with one module's schema in it. Dropped with this.
#[derive(Debug)]
pub struct PostgresDatabase {
    superuser: Secret,
    name: String,
}

impl PostgresDatabase {
    /// A new one, on the server that `superuser` is the superuser of.
    ///
    /// # Errors
    /// The server's, or the migrations'.
    pub async fn new<M: MigratorTrait>(
        superuser: &Secret,
        module: &'static str,
    ) -> Result<Self, DatabaseError> {
        let server = connect(superuser).await.map_err(DatabaseError::Server)?;
        let template = Template::of::<M>(module);
        let name = format!("test_{}_{:016x}", process::id(), unique());
        template.clone_as::<M>(&name, &server, superuser, module).await?;
        // Closing fails only where the pool is none of sqlx's.
        let _ = server.close().await;
        Ok(Self { superuser: superuser.clone(), name })
    }

    /// A new one with nothing in it: for a module whose roles a test changes, which all databases
    /// of a server share.
    ///
    /// # Errors
    /// The server's.
    pub async fn empty(superuser: &Secret) -> Result<Self, DatabaseError> {
        let server = connect(superuser).await.map_err(DatabaseError::Server)?;
        let name = format!("test_{}_{:016x}", process::id(), unique());
        run(&server, &format!("CREATE DATABASE \"{name}\"")).await?;
        let _ = server.close().await;
        Ok(Self { superuser: superuser.clone(), name })
    }

    /// What a store of the module is opened with: few connections, since many tests run at once.
    #[must_use]
    pub fn config(&self) -> PostgresConfig {
        PostgresConfig {
            app_password: password(&self.superuser),
            system_password: password(&self.superuser),
            connections: 8,
            acquire_time: std::time::Duration::from_secs(10),
            ..PostgresConfig::new(format!("postgres://{}", self.place()))
        }
    }

    /// A connection of `role`, one of a module's.
    ///
    /// # Errors
    /// The server's.
    pub async fn login(&self, role: &str) -> Result<DatabaseConnection, DatabaseError> {
        let password = password(&self.superuser);
        let password = password.map_or_else(String::new, |word| format!(":{}", word.expose()));
        let url = Secret::new(format!("postgres://{role}{password}@{}", self.place()));
        connect(&url).await.map_err(DatabaseError::Server)
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address without a login.
    fn place(&self) -> String {
        let url = self.superuser_url();
        let (_, rest) = url.expose().split_once("://").unwrap_or_default();
        let (_, place) = rest.split_once('@').unwrap_or(("", rest));
        place.to_owned()
    }

    /// The address of the superuser in this database: to look past the policies.
    #[must_use]
    pub fn superuser_url(&self) -> Secret {
        in_database(&self.superuser, &self.name)
    }

    /// A connection of the superuser, whom no policy binds.
    ///
    /// # Errors
    /// The server's.
    pub async fn superuser(&self) -> Result<DatabaseConnection, DatabaseError> {
        connect(&self.superuser_url()).await.map_err(DatabaseError::Server)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let (superuser, name) = (self.superuser.clone(), self.name.clone());
        // On a thread of its own: the test's runtime may be about to end. What is left over where
        // it fails goes with the server.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(async {
                    let server = connect(&superuser).await?;
                    let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
                    server.execute_unprepared(&drop).await
                });
            }
        });
        let _ = dropping.join();
    }
}

fn unique() -> u64 {
    use std::hash::BuildHasher;

    std::hash::RandomState::new().hash_one(thread::current().id())
}

async fn connect(url: &Secret) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.expose());
    options.max_connections(1).sqlx_logging(Logging::OFF);
    Database::connect(options).await
}

/// What `sqlx_logging` takes, said in words.
struct Logging;

impl Logging {
    const OFF: bool = false;
}

async fn run(server: &DatabaseConnection, statement: &str) -> Result<(), DatabaseError> {
    server.execute_unprepared(statement).await.map(drop).map_err(DatabaseError::Server)
}

/// The superuser's password, which the roles get too: a server that asks one asks all.
fn password(url: &Secret) -> Option<Secret> {
    let (_, rest) = url.expose().split_once("://")?;
    let (login, _) = rest.split_once('@')?;
    let (_, password) = login.split_once(':')?;
    Some(Secret::new(password))
}

/// `url` with another database.
fn in_database(url: &Secret, database: &str) -> Secret {
    let (address, options) = url.expose().split_once('?').unwrap_or((url.expose(), ""));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    let options = if options.is_empty() { String::new() } else { format!("?{options}") };
    Secret::new(format!("{server}/{database}{options}"))
}
