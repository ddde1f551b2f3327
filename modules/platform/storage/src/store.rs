//! One module's data.

use std::{fmt, sync::Arc};

use kernel::{CallContext, Clock, Ids};
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait;
use seam::EventRoutes;

use crate::{
    Engine, News, StoreError, SystemReader, SystemScope, SystemTx, TenantReader, TenantTx,
    engine::{Database, Sight},
    news::Newsboard,
    transaction::Transaction,
};

/// Which data, and where.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The module's name; it goes into errors and into the envelopes of its events.
    pub module: &'static str,
    /// The database.
    pub engine: Engine,
}

/// What a store is given by the program.
#[derive(Clone)]
pub struct StoreParts {
    /// Stamps rows and events.
    pub clock: Arc<dyn Clock>,
    /// Names events.
    pub ids: Arc<dyn Ids>,
    /// Says which modules hear of an event.
    pub routes: Arc<dyn EventRoutes>,
}

/// One module's data. Cheap to clone: all clones are the same open database.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("module", &self.module()).finish_non_exhaustive()
    }
}

struct Inner {
    module: &'static str,
    database: Database,
    parts: StoreParts,
    newsboard: Newsboard,
}

impl Store {
    /// Opens the database. The embedded one is taken for this process and brought up to date with
    /// `M`, which holds [`migrations`](crate::migrations) and the module's own; all pending
    /// migrations are one transaction. PostgreSQL is migrated by a command of its own
    /// ([`PostgresSchema`](crate::PostgresSchema)), and refused where it is behind.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process has the file, [`StoreError::Open`],
    /// [`StoreError::Migration`] (also where a newer build has migrated the file);
    /// [`StoreError::Configuration`], [`StoreError::Unreachable`], [`StoreError::UnsafeRole`],
    /// [`StoreError::Behind`], [`StoreError::Moved`]; or the database's.
    pub async fn open<M: MigratorTrait>(
        config: StoreConfig,
        parts: StoreParts,
    ) -> Result<Self, StoreError> {
        let StoreConfig { module, engine } = config;
        let database = Database::open::<M>(module, engine).await?;
        Ok(Self(Arc::new(Inner { module, database, parts, newsboard: Newsboard::default() })))
    }

    /// The module's name.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.0.module
    }

    /// The clock that rows are stamped by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    /// Where the ids of new rows come from.
    #[must_use]
    pub fn ids(&self) -> &dyn Ids {
        &*self.0.parts.ids
    }

    /// Reads the calling tenant's rows. Each query sees what was last committed.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`].
    pub fn read(&self, ctx: &CallContext) -> Result<TenantReader<'_>, StoreError> {
        Ok(TenantReader::new(self, self.tenant_of(ctx)?))
    }

    /// Starts a transaction on the calling tenant's rows. On the embedded engine there is one
    /// writer at a time: do not call other modules or providers while it is open. It is rolled
    /// back where it is dropped.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`], [`StoreError::Busy`], or the database's.
    pub async fn write(&self, ctx: &CallContext) -> Result<TenantTx, StoreError> {
        let tenant = self.tenant_of(ctx)?;
        let tx = Transaction::begin(self, Sight::Tenant(tenant)).await?;
        Ok(TenantTx::new(tx, tenant, ctx.clone()))
    }

    /// Reads all rows, for the purpose that `scope` names.
    #[must_use]
    pub fn system(&self, scope: &'static SystemScope) -> SystemReader<'_> {
        SystemReader::new(self, scope)
    }

    /// Starts a transaction on all rows, for the purpose that `scope` names.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn system_write(&self, scope: &'static SystemScope) -> Result<SystemTx, StoreError> {
        Ok(SystemTx::new(Transaction::begin(self, Sight::System).await?, scope))
    }

    /// Waits until something was committed that is to be brought on, unless it was already, and
    /// takes word of all that was since the last call. For one reader; nothing is lost where it
    /// stops waiting.
    pub async fn news(&self) -> News {
        self.0.newsboard.take().await
    }

    pub(crate) fn newsboard(&self) -> &Newsboard {
        &self.0.newsboard
    }

    /// The names of the modules that hear of this one's events; it may send some to itself besides.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        self.parts().routes.destinations_of(self.module())
    }

    /// Whether no other process can have the database open while this one has: what an earlier
    /// process had in hand is then in nobody's hands.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.0.database.is_exclusive()
    }

    /// Whether the database answers whoever the store logs in as: requests need the one login, and
    /// the work behind them the other. Where all connections are in use and come and go, that is
    /// the answer; where none comes back, one is waited for as a request waits.
    ///
    /// # Errors
    /// What the database said.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database().ping().await.map_err(|error| self.explain(error))
    }

    /// About how many rows each of the module's tables has, as the database reckons without counting.
    /// One that it has not looked at yet is not among them, and none is on the embedded engine, which
    /// does not reckon.
    ///
    /// # Errors
    /// What the database said.
    pub async fn table_rows(&self) -> Result<Vec<(String, f64)>, StoreError> {
        self.database().table_rows().await.map_err(|error| self.explain(error))
    }

    /// Waits for open transactions to end and gives the database back. Other clones of the store
    /// answer [`StoreError::Busy`] from then on.
    pub async fn close(self) {
        self.0.database.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn parts(&self) -> &StoreParts {
        &self.0.parts
    }

    pub(crate) fn explain(&self, error: DbErr) -> StoreError {
        self.database().explain(self.module(), error)
    }

    pub(crate) fn tenant_of(&self, ctx: &CallContext) -> Result<kernel::TenantId, StoreError> {
        ctx.tenant().ok_or(StoreError::NoTenant { module: self.module() })
    }
}
