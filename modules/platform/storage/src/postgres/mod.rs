//! The production engine: one schema for each module, any number of processes, and row-level
//! security under the builders' own filters.
//!
//! | role | logs in as | sees |
//! |---|---|---|
//! | `<module>_owner` | nobody | owns the schema; migrations run as it |
//! | `<module>_app` | the store, for a tenant | the rows of the tenant in `app.current_tenant_id` |
//! | `<module>_system` | the store, for a [`SystemScope`](crate::SystemScope) | what a policy names |
//!
//! *Invariants*: the tenant setting never outlives the statement or the transaction it was made
//! in, so that a connection shared by a pooler carries nothing over; a statement that comes
//! without it sees no row; the system role can become the application role and never the reverse.

mod config;
mod errors;
mod fit;
mod lease;
mod pool;
mod roles;
mod schema;
mod statement;
mod transaction;
mod tries;
mod unique_keys;
mod verifier;
mod waits;

use sea_orm::{DatabaseBackend, DbErr, QueryResult, Statement};
use sea_orm_migration::MigratorTrait;
use tokio::runtime::Handle;

use self::{pool::Pool, tries::Tries, unique_keys::UniqueKeys};
use crate::{StoreError, engine::Sight};

pub use config::{Pooler, PostgresConfig};
pub(crate) use errors::sqlstate;
pub use schema::{Passwords, PostgresSchema};
pub(crate) use statement::carried_tenant;
pub(crate) use transaction::PostgresTransaction;

/// What row-level security compares with.
pub(crate) const TENANT_SETTING: &str = "app.current_tenant_id";

/// One module's schema, as both of its roles see it.
pub(crate) struct Postgres {
    app: Pool,
    system: Pool,
    app_role: String,
    pooler: Pooler,
    unique_keys: UniqueKeys,
}

impl Postgres {
    /// Connects as both roles, and refuses what would not be safe: a role that is above the
    /// policies, or a schema that this build does not fit.
    pub(crate) async fn open<M: MigratorTrait>(
        module: &'static str,
        config: &PostgresConfig,
    ) -> Result<Self, StoreError> {
        // Connections belong to the runtime that made them, and the workers of a web server have
        // runtimes of their own that end before the store does: all are made on this one.
        let runtime = Handle::current();
        let (app_role, system_role) = (roles::app(module), roles::system(module));
        let app = Pool::new(module, config, roles::Login::App, runtime.clone())?;
        let system = Pool::new(module, config, roles::Login::System, runtime)?;
        roles::check(module, &app, &app_role).await?;
        roles::check(module, &system, &system_role).await?;
        fit::check::<M>(module, &system).await?;
        let unique_keys = UniqueKeys::load(module, &system).await?;
        Ok(Self { app, system, app_role, pooler: config.pooler, unique_keys })
    }

    /// Whether a read is one statement that brings its tenant along. Behind a pooler that hands
    /// each message to whichever connection is free, a statement cannot be prepared ahead, so
    /// that a read is a transaction there.
    pub(crate) const fn reads_carry_their_tenant(&self) -> bool {
        matches!(self.pooler, Pooler::None)
    }

    pub(crate) async fn read(
        &self,
        sight: Sight,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        if !self.reads_carry_their_tenant() {
            let mut tries = self.pool(sight).tries();
            return match self.read_in_transaction(sight, &statement, &mut tries).await {
                // It may be repeated, and what it begins with finds a connection that stands.
                Err(error) if errors::was_lost(&error) && tries.are_in_time() => {
                    self.read_in_transaction(sight, &statement, &mut tries).await
                }
                outcome => outcome,
            };
        }
        match sight {
            Sight::Tenant(tenant) => self.app.read(&statement::carrying(statement, tenant)).await,
            Sight::System => self.system.read(&statement).await,
        }
    }

    /// Runs a statement that reads nothing, as both roles.
    pub(crate) async fn ping(&self, statement: &Statement) -> Result<(), DbErr> {
        tokio::try_join!(self.app.ping(statement), self.system.ping(statement)).map(drop)
    }

    /// What its planner reckons with, which needs no right to the rows.
    pub(crate) async fn table_rows(&self) -> Result<Vec<(String, f64)>, DbErr> {
        let reckoned = "SELECT relname::text AS name, reltuples::float8 AS row_count FROM pg_class \
                        WHERE relkind IN ('r', 'p') AND reltuples >= 0 \
                        AND relnamespace = current_schema()::regnamespace ORDER BY relname";
        let statement = Statement::from_string(DatabaseBackend::Postgres, reckoned);
        let rows = self.read(Sight::System, statement).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "row_count")?)))
            .collect()
    }

    async fn read_in_transaction(
        &self,
        sight: Sight,
        statement: &Statement,
        tries: &mut Tries<'_>,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let transaction = self.begin_over(sight, tries).await?;
        let rows = transaction.query(statement).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    pub(crate) async fn begin(&self, sight: Sight) -> Result<PostgresTransaction, DbErr> {
        self.begin_over(sight, &mut self.pool(sight).tries()).await
    }

    async fn begin_over(
        &self,
        sight: Sight,
        tries: &mut Tries<'_>,
    ) -> Result<PostgresTransaction, DbErr> {
        let begin = match sight {
            Sight::Tenant(tenant) => format!("BEGIN; {}", statement::set(tenant)),
            Sight::System => "BEGIN".to_owned(),
        };
        let lease = self.pool(sight).begin(&begin, tries).await?;
        Ok(PostgresTransaction::new(lease, self.app_role.clone()))
    }

    const fn pool(&self, sight: Sight) -> &Pool {
        match sight {
            Sight::Tenant(_) => &self.app,
            Sight::System => &self.system,
        }
    }

    pub(crate) async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
    }

    pub(crate) fn explain(&self, module: &'static str, error: DbErr) -> StoreError {
        errors::explain(module, &self.unique_keys, error)
    }

    pub(crate) fn explain_commit(&self, module: &'static str, error: DbErr) -> StoreError {
        errors::explain_commit(module, error)
    }
}
