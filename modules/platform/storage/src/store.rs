//! One module's data.

use std::{fmt, path::PathBuf, sync::Arc};

use kernel::{CallContext, Clock, Ids};
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;
use seam::EventRoutes;
use tokio::sync::Notify;

use crate::{
    StoreError, SystemReader, SystemScope, SystemTx, TenantReader, TenantTx,
    link::Link,
    sqlite::{self, PATIENCE, Sqlite},
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

/// The kinds of database. PostgreSQL is to come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Engine {
    /// A file of its own for each module, owned by one process at a time.
    Sqlite {
        /// The file; created with its folder where it is not there.
        path: PathBuf,
    },
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
    database: Sqlite,
    parts: StoreParts,
    outbox_written: Notify,
}

impl Store {
    /// Opens the database, takes it for this process, and brings its schema up to date with `M`,
    /// which holds [`migrations`](crate::migrations) and the module's own. All pending migrations
    /// are one transaction.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process has it, [`StoreError::Open`],
    /// [`StoreError::Migration`] (also where a newer build has migrated it), or the database's.
    pub async fn open<M: MigratorTrait>(
        config: StoreConfig,
        parts: StoreParts,
    ) -> Result<Self, StoreError> {
        let StoreConfig { module, engine: Engine::Sqlite { path } } = config;
        let database = Sqlite::open(module, &path, PATIENCE)?;
        let outbox_written = Notify::new();
        let store = Self(Arc::new(Inner { module, database, parts, outbox_written }));
        store.migrate::<M>().await?;
        Ok(store)
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
        Ok(TenantTx::new(Transaction::begin(self).await?, tenant, ctx.clone()))
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
        Ok(SystemTx::new(Transaction::begin(self).await?, scope))
    }

    /// Notified after each commit that wrote to the outbox, or scheduled an event for now. One
    /// waiter is woken; where none waits, the next one that comes goes on at once.
    #[must_use]
    pub fn outbox_written(&self) -> &Notify {
        &self.0.outbox_written
    }

    /// Whether no other process can have the database open while this one has: what an earlier
    /// process had in hand is then in nobody's hands.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.0.database.is_exclusive()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What the database said.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.link().execute_unprepared("SELECT 1").await;
        answer.map(drop).map_err(|error| sqlite::explain(self.module(), error))
    }

    /// Waits for open transactions to end and gives the database back. Other clones of the store
    /// answer [`StoreError::Busy`] from then on.
    pub async fn close(self) {
        self.0.database.close().await;
    }

    pub(crate) fn database(&self) -> &Sqlite {
        &self.0.database
    }

    pub(crate) fn parts(&self) -> &StoreParts {
        &self.0.parts
    }

    pub(crate) fn link(&self) -> Link<'_> {
        Link::Pool(self.0.database.readers())
    }

    pub(crate) fn tenant_of(&self, ctx: &CallContext) -> Result<kernel::TenantId, StoreError> {
        ctx.tenant().ok_or(StoreError::NoTenant { module: self.module() })
    }

    async fn migrate<M: MigratorTrait>(&self) -> Result<(), StoreError> {
        let module = self.module();
        let failed = |source| StoreError::Migration { module, source };
        let tx = Transaction::begin(self).await?;
        let pending = M::get_pending_migrations_read_only(tx.raw()).await.map_err(failed)?;
        if pending.is_empty() {
            return Ok(());
        }
        M::up(tx.raw(), None).await.map_err(failed)?;
        tx.commit().await
    }
}
