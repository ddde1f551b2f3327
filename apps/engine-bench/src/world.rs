//! A database with rows of many tenants, and a store on it.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use databases::PostgresDatabase;
use kernel::{CallContext, CallId, Principal, RandomIds, SystemClock, TenantId};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use seam::EventRoutes;
use storage::{Engine, PostgresConfig, Store, StoreConfig, StoreParts};
use uuid::Uuid;

use crate::{Options, load::WORKERS, tables::Migrator};

/// One module's database.
pub(crate) struct World {
    pub(crate) store: Store,
    /// Whom no policy binds.
    pub(crate) superuser: DatabaseConnection,
    pub(crate) database: PostgresDatabase,
}

impl World {
    /// A new one for `module`, whose events go to `destination`.
    pub(crate) async fn new(module: &'static str, destination: &'static str) -> Result<Self> {
        let database = PostgresDatabase::new::<Migrator>(&Options::superuser()?, module).await?;
        let superuser = database.superuser().await?;
        superuser.execute_unprepared(&format!("SET search_path = {module}")).await?;
        let connections = u32::try_from(WORKERS)?;
        let engine = Engine::Postgres(PostgresConfig { connections, ..database.config() });
        let parts = StoreParts {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            routes: Arc::new(To(destination)),
        };
        let store = Store::open::<Migrator>(StoreConfig { module, engine }, parts).await?;
        Ok(Self { store, superuser, database })
    }

    /// Runs `sql` as the superuser.
    pub(crate) async fn run(&self, sql: &str) -> Result<()> {
        self.superuser.execute_unprepared(sql).await?;
        Ok(())
    }

    /// Fills `table` with `rows` rows, dealt out to `tenants` tenants.
    pub(crate) async fn fill(&self, table: &str, rows: u64, tenants: u64) -> Result<()> {
        self.run(&format!(
            "TRUNCATE {table}; INSERT INTO {table} \
             SELECT lpad(to_hex(n % {tenants}), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, \
             'a note of some length, as notes go', n FROM generate_series(0, {rows} - 1) AS n"
        ))
        .await?;
        // As the server does by itself in time: the first to read a new row has to find out, and
        // to note, that it is committed.
        self.run(&format!("VACUUM ANALYZE {table}")).await
    }
}

/// The tenant and the id of a row that [`World::fill`] made: another one for each `number`, in no
/// order.
pub(crate) fn row(number: usize, rows: u64, tenants: u64) -> (TenantId, Uuid) {
    // A prime beyond the number of rows visits them all.
    let place = (number as u64).wrapping_mul(2_147_483_647) % rows;
    (TenantId(Uuid::from_u128((place % tenants).into())), Uuid::from_u128(place.into()))
}

pub(crate) fn context(tenant: TenantId) -> CallContext {
    let principal = Principal::service_for("bench", tenant);
    CallContext::new(principal, CallId::random(), Duration::from_secs(60))
}

/// Every event goes to one module.
struct To(&'static str);

impl EventRoutes for To {
    fn destinations(&self, _: &str) -> Vec<String> {
        vec![self.0.to_owned()]
    }

    fn destinations_of(&self, _: &str) -> Vec<String> {
        vec![self.0.to_owned()]
    }
}
