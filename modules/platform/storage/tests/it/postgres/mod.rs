//! What only PostgreSQL can show: that the database itself keeps tenants apart, and what becomes
//! of a store whose server fails it.

mod carrying;
mod catalogue;
mod conflicts;
mod frozen;
mod isolation;
mod keys;
mod logins;
mod losing;
mod metrics;
mod migrating;
mod milestone;
mod module;
mod outage;
mod pool;
mod proxy;
mod refusals;
mod round_trips;
mod storming;

use std::sync::Arc;

use databases::{PostgresDatabase, PrivateServer};
use kernel::{ManualClock, Secret};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use storage::{Engine, PostgresConfig, Store, StoreError};

use crate::{
    entities::Migrator,
    world::{open, parts, start},
};

/// The schema of the module `notes` in a database of its own.
pub(crate) struct Notes {
    pub(crate) database: PostgresDatabase,
    pub(crate) clock: Arc<ManualClock>,
}

impl Notes {
    pub(crate) async fn new() -> Self {
        Self::on(&databases::required_superuser()).await
    }

    /// On a server of the test's own.
    pub(crate) async fn on_server(server: &PrivateServer) -> Self {
        Self::on(&server.superuser_url()).await
    }

    async fn on(superuser: &Secret) -> Self {
        let database = PostgresDatabase::new::<Migrator>(superuser, "notes").await;
        let clock = Arc::new(ManualClock::new(start()));
        Self { database: database.expect("a database"), clock }
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        self.database.config()
    }

    pub(crate) async fn open(&self, config: PostgresConfig) -> Store {
        self.try_open(config).await.expect("a store")
    }

    pub(crate) async fn try_open(&self, config: PostgresConfig) -> Result<Store, StoreError> {
        open(Engine::Postgres(config), parts(&self.clock)).await
    }

    /// Somebody whom no policy binds.
    pub(crate) async fn superuser(&self) -> DatabaseConnection {
        self.database.superuser().await.expect("a superuser")
    }
}

/// The first column of all rows, as text.
pub(crate) async fn texts(connection: &DatabaseConnection, select: &str) -> Vec<String> {
    let statement = Statement::from_string(DbBackend::Postgres, select);
    let rows = connection.query_all_raw(statement).await.expect("rows");
    rows.iter().map(|row| row.try_get_by_index(0).expect("text")).collect()
}

pub(crate) async fn run(connection: &DatabaseConnection, script: &str) {
    connection.execute_unprepared(script).await.expect("done");
}

/// `url`'s place, reached over another port of this machine.
pub(crate) fn over(config: PostgresConfig, port: u16) -> PostgresConfig {
    let (_, database) = config.url.rsplit_once('/').expect("a database");
    let url = format!("postgres://127.0.0.1:{port}/{database}?sslmode=disable");
    PostgresConfig { url, ..config }
}
