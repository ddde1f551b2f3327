//! A place for one test's shapes: a folder and, where the run is for real engines, a database and
//! names in the broker that nobody else has.

use std::{env, hash::BuildHasher as _, path::Path, process, thread};

use anyhow::{Context as _, Result};
use kernel::Secret;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeleteOptions},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, raw_sql};
use tempfile::TempDir;

use super::{Engine, RealEngines};
use crate::workspace::{Workspace, module_name};

/// Holds the address of a superuser of the PostgreSQL server for tests.
pub const POSTGRES: &str = "ASHLAR_TEST_POSTGRES";
/// Holds the address of the broker for tests.
pub const RABBITMQ: &str = "ASHLAR_TEST_RABBITMQ";
/// Holds the address of Redis for tests.
pub const REDIS: &str = "ASHLAR_TEST_REDIS";

/// Where one test's shapes keep their data, one after the other. It goes when this is dropped.
#[derive(Debug)]
pub struct Ground {
    folder: TempDir,
    engine: Engine,
    /// The server that the database is in.
    server: Option<Secret>,
}

impl Ground {
    /// A new one, on the engines that the environment names; on the embedded one where it names no
    /// PostgreSQL.
    ///
    /// # Errors
    /// A folder or a database that cannot be made.
    pub async fn new() -> Result<Self> {
        let Some(server) = named(POSTGRES) else { return Self::embedded() };
        let folder = TempDir::new().context("making a folder for a test")?;
        let unique = std::hash::RandomState::new().hash_one(thread::current().id());
        let name = format!("shape_{}_{unique:016x}", process::id());
        run(&server, &format!("CREATE DATABASE \"{name}\"")).await?;
        let engines = RealEngines {
            postgres: in_database(&server, &name),
            rabbitmq: named(RABBITMQ),
            redis: named(REDIS),
            prefix: name,
        };
        Ok(Self { folder, engine: Engine::Real(engines), server: Some(server) })
    }

    /// A new one on the embedded engine, whatever the environment names.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn embedded() -> Result<Self> {
        let folder = TempDir::new().context("making a folder for a test")?;
        Ok(Self { folder, engine: Engine::Embedded, server: None })
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The engines, and what in them is this ground's.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What a program in the test's own process is told of the engines, as `SECTION__KEY` and
    /// value; `migrate` is told the same.
    ///
    /// # Errors
    /// An address that cannot be read.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        let settings = self.engine.settings()?.into_iter().chain(self.engine.migrate_settings());
        let name = |name: &str| name.trim_start_matches("ASHLAR__").to_owned();
        Ok(settings.map(|(key, value)| (name(key), value.text().to_owned())).collect())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let (Engine::Real(engines), Some(server)) = (&self.engine, &self.server) else { return };
        let (engines, server) = (engines.clone(), server.clone());
        // On a thread of its own: the test's runtime may be about to end. What is left over where
        // it fails goes with the servers.
        let clearing = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(clear(&engines, &server));
            }
        });
        let _ = clearing.join();
    }
}

async fn clear(engines: &RealEngines, server: &Secret) {
    let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", engines.prefix);
    let _ = run(server, &drop).await;
    let _ = engines.clear_broker().await;
}

impl RealEngines {
    /// Deletes what the programs have declared in the broker. Deleting what is not there is no error
    /// to it.
    pub(crate) async fn clear_broker(&self) -> Result<()> {
        let Some(broker) = &self.rabbitmq else { return Ok(()) };
        let prefix = &self.prefix;
        let modules = Workspace::find()?.modules()?;
        let connection =
            Connection::connect(broker.expose(), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        for module in modules.iter().map(|module| module_name(module)) {
            for queue in ["inbox", "dead"] {
                let name = format!("{prefix}.{module}.{queue}");
                channel.queue_delete(name.into(), QueueDeleteOptions::default()).await?;
            }
        }
        for exchange in ["events", "dead"] {
            let name = format!("{prefix}.{exchange}");
            channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await?;
        }
        connection.close(200, "done".into()).await?;
        Ok(())
    }
}

fn named(variable: &str) -> Option<Secret> {
    env::var(variable).ok().filter(|url| !url.is_empty()).map(Secret::new)
}

async fn run(server: &Secret, statement: &str) -> Result<()> {
    let context = || format!("the PostgreSQL server that {POSTGRES} names");
    let mut connection = PgConnection::connect(server.expose()).await.with_context(context)?;
    let statement = raw_sql(AssertSqlSafe(statement.to_owned()));
    connection.execute(statement).await.with_context(context)?;
    connection.close().await.with_context(context)
}

/// `url` with another database.
fn in_database(url: &Secret, database: &str) -> Secret {
    let (address, options) = url.expose().split_once('?').unwrap_or((url.expose(), ""));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    let options = if options.is_empty() { String::new() } else { format!("?{options}") };
    Secret::new(format!("{server}/{database}{options}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        let url = Secret::new("postgres://postgres@127.0.0.1:5433/postgres?sslmode=disable");
        let other = in_database(&url, "one");
        assert_eq!(other.expose(), "postgres://postgres@127.0.0.1:5433/one?sslmode=disable");
    }
}
