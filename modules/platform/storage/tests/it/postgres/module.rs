//! A module whose roles are a test's own. Roles belong to a whole server: what a test does to those
//! of `notes` it would do to all tests.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use databases::{DatabaseError, PostgresDatabase};
use kernel::Secret;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use storage::{
    Engine, Passwords, PostgresConfig, PostgresSchema, Store, StoreConfig, StoreError, StoreParts,
};

use crate::world::{parts, start};

/// A module with a name of its own, in a database of its own. Its roles go with it.
pub(crate) struct OwnModule {
    pub(crate) name: &'static str,
    superuser: Secret,
    /// Gone only while this is dropped.
    database: Option<PostgresDatabase>,
}

impl OwnModule {
    pub(crate) async fn new() -> Self {
        Self::on(&databases::required_superuser()).await
    }

    pub(crate) async fn on(superuser: &Secret) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("own_{}_{count}", std::process::id());
        let database = PostgresDatabase::empty(superuser).await.expect("a database");
        Self { name: name.leak(), superuser: superuser.clone(), database: Some(database) }
    }

    /// With its schema and roles.
    pub(crate) async fn migrated<M: MigratorTrait>() -> Self {
        let module = Self::new().await;
        module.schema().await.up::<M>().await.expect("up");
        module
    }

    pub(crate) fn database(&self) -> &PostgresDatabase {
        self.database.as_ref().expect("it is here until this is dropped")
    }

    pub(crate) async fn schema(&self) -> PostgresSchema {
        self.schema_with(Passwords::default()).await.expect("a schema")
    }

    pub(crate) async fn schema_with(
        &self,
        passwords: Passwords,
    ) -> Result<PostgresSchema, StoreError> {
        PostgresSchema::connect(&self.database().superuser_url(), self.name, passwords).await
    }

    pub(crate) async fn open<M: MigratorTrait>(&self) -> Result<Store, StoreError> {
        self.open_with::<M>(self.database().config()).await
    }

    pub(crate) async fn open_with<M: MigratorTrait>(
        &self,
        config: PostgresConfig,
    ) -> Result<Store, StoreError> {
        let config = StoreConfig { module: self.name, engine: Engine::Postgres(config) };
        let clock = std::sync::Arc::new(kernel::ManualClock::new(start()));
        let parts: StoreParts = parts(&clock);
        Store::open::<M>(config, parts).await
    }

    pub(crate) async fn superuser(&self) -> DatabaseConnection {
        let connected: Result<_, DatabaseError> = self.database().superuser().await;
        connected.expect("a superuser")
    }

    /// Runs `script` as the superuser, with `{m}` for the module's name.
    pub(crate) async fn run(&self, script: &str) {
        let script = script.replace("{m}", self.name);
        self.superuser().await.execute_unprepared(&script).await.expect("done");
    }
}

impl Drop for OwnModule {
    fn drop(&mut self) {
        // Roles that own something cannot go before it.
        drop(self.database.take());
        let (superuser, name) = (self.superuser.clone(), self.name);
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                // A server that is gone has taken them along.
                let Ok(server) = Database::connect(superuser.expose()).await else { return };
                let roles = format!("\"{name}_owner\", \"{name}_app\", \"{name}_system\"");
                let _ = server.execute_unprepared(&format!("DROP ROLE IF EXISTS {roles}")).await;
            });
        });
        let _ = dropping.join();
    }
}
