//! Databases of PostgreSQL: cloned from a template that the first test of a build makes.

use std::{
    any::type_name,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    process, thread,
    time::SystemTime,
};

use kernel::Secret;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::MigratorTrait;
use storage::{Passwords, PostgresConfig, PostgresSchema};

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
        let template = template::<M>(&server, superuser, module).await?;
        let name = format!("test_{}_{:016x}", process::id(), unique());
        let create = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
        run(&server, &create).await?;
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

/// The name of the database with the schema of `M`, which is made where it is not there.
async fn template<M: MigratorTrait>(
    server: &DatabaseConnection,
    superuser: &Secret,
    module: &'static str,
) -> Result<String, DatabaseError> {
    let name = format!("template_{module}_{:016x}", build_of::<M>());
    // Tests run in processes of their own: one makes it, the others wait.
    run(server, &format!("SELECT pg_advisory_lock(hashtextextended('{name}', 0))")).await?;
    let made = make_template::<M>(server, superuser, module, &name).await;
    run(server, &format!("SELECT pg_advisory_unlock(hashtextextended('{name}', 0))")).await?;
    made.map(|()| name)
}

async fn make_template<M: MigratorTrait>(
    server: &DatabaseConnection,
    superuser: &Secret,
    module: &'static str,
    name: &str,
) -> Result<(), DatabaseError> {
    let known = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    let known = Statement::from_string(sea_orm::DbBackend::Postgres, known);
    let known = server.query_one_raw(known).await.map_err(DatabaseError::Server)?;
    if known.is_some() {
        return Ok(());
    }
    // It gets its name last, so that one half made is never taken for whole.
    let unfinished = format!("{name}_unfinished");
    run(server, &format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)")).await?;
    run(server, &format!("CREATE DATABASE \"{unfinished}\"")).await?;
    let url = in_database(superuser, &unfinished);
    let password = password(superuser);
    let passwords = Passwords { app: password.clone(), system: password };
    let schema = PostgresSchema::connect(&url, module, passwords).await;
    let schema = schema.map_err(DatabaseError::Schema)?;
    schema.up::<M>().await.map_err(DatabaseError::Schema)?;
    schema.close().await;
    run(server, &format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\"")).await
}

/// The same for all tests of one test binary, and another for another build of it.
fn build_of<M: MigratorTrait>() -> u64 {
    let mut hasher = DefaultHasher::new();
    type_name::<M>().hash(&mut hasher);
    if let Ok(binary) = env::current_exe() {
        let built = fs::metadata(&binary).and_then(|file| file.modified());
        built.unwrap_or(SystemTime::UNIX_EPOCH).hash(&mut hasher);
        binary.hash(&mut hasher);
    }
    hasher.finish()
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
