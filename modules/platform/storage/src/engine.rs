//! The two engines behind one face: what differs between them is asked for here, and answered in
//! `sqlite.rs` and `postgres/`.

use std::path::PathBuf;

use kernel::TenantId;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    TransactionTrait, sea_query::Expr,
};
use sea_orm_migration::MigratorTrait;

use crate::{
    PostgresConfig, StoreError,
    postgres::{self, Postgres, PostgresTransaction},
    sqlite::{self, PATIENCE, Sqlite},
};

/// The kinds of database.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A file of its own for each module, owned by one process at a time.
    Sqlite {
        /// The file; created with its folder where it is not there.
        path: PathBuf,
    },
    /// A schema of its own for each module, shared by any number of processes.
    Postgres(PostgresConfig),
}

/// Whose rows a statement may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// One tenant's.
    Tenant(TenantId),
    /// What the policies of the system role name.
    System,
}

/// An open database.
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    pub(crate) async fn open<M: MigratorTrait>(
        module: &'static str,
        engine: Engine,
    ) -> Result<Self, StoreError> {
        match engine {
            Engine::Sqlite { path } => {
                let database = Sqlite::open(module, &path, PATIENCE)?;
                database.migrate::<M>(module).await?;
                Ok(Self::Sqlite(database))
            }
            Engine::Postgres(config) => {
                Postgres::open::<M>(module, &config).await.map(Self::Postgres)
            }
        }
    }

    pub(crate) const fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// See [`Store::is_exclusive`](crate::Store::is_exclusive).
    pub(crate) const fn is_exclusive(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_exclusive(),
            Self::Postgres(_) => false,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }

    pub(crate) async fn begin(&self, sight: Sight) -> Result<Open, DbErr> {
        match self {
            Self::Sqlite(sqlite) => sqlite.begin().await.map(Open::Sqlite),
            Self::Postgres(postgres) => postgres.begin(sight).await.map(Open::Postgres),
        }
    }

    /// The tenant that a read outside a transaction is filtered by. Where the statement itself
    /// carries its tenant to the database, the filter names it there.
    pub(crate) fn tenant_of_read(&self, tenant: TenantId) -> Expr {
        match self {
            Self::Postgres(postgres) if postgres.reads_carry_their_tenant() => {
                postgres::carried_tenant()
            }
            Self::Sqlite(_) | Self::Postgres(_) => Expr::value(tenant.0),
        }
    }

    /// Reads what was last committed.
    pub(crate) async fn read(
        &self,
        sight: Sight,
        mut statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(sqlite) => {
                sqlite::make_comparable(&mut statement)?;
                sqlite.readers().query_all_raw(statement).await
            }
            Self::Postgres(postgres) => postgres.read(sight, statement).await,
        }
    }

    /// Asks for nothing, over each way in which statements go.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        let statement = Statement::from_string(self.backend(), "SELECT 1 AS one");
        match self {
            Self::Sqlite(sqlite) => sqlite.readers().query_all_raw(statement).await.map(drop),
            Self::Postgres(postgres) => postgres.ping(&statement).await,
        }
    }

    /// What it reckons of tables: their names, and about how many rows they have.
    pub(crate) async fn table_rows(&self) -> Result<Vec<(String, f64)>, DbErr> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(postgres) => postgres.table_rows().await,
        }
    }

    /// What the failure of a statement means.
    pub(crate) fn explain(&self, module: &'static str, error: DbErr) -> StoreError {
        match self {
            Self::Sqlite(_) => sqlite::explain(module, error),
            Self::Postgres(postgres) => postgres.explain(module, error),
        }
    }

    /// What the failure of a commit means.
    pub(crate) fn explain_commit(&self, module: &'static str, error: DbErr) -> StoreError {
        match self {
            Self::Sqlite(_) => sqlite::explain_commit(module, error),
            Self::Postgres(postgres) => postgres.explain_commit(module, error),
        }
    }
}

/// An open transaction, or a savepoint in one. A transaction that is dropped is rolled back; a
/// savepoint that is dropped leaves nothing to be done but to roll back the transaction that it is in.
#[derive(Debug)]
pub(crate) enum Open {
    Sqlite(DatabaseTransaction),
    Postgres(PostgresTransaction),
}

impl Open {
    pub(crate) async fn savepoint(&self) -> Result<Self, DbErr> {
        match self {
            Self::Sqlite(raw) => raw.begin().await.map(Self::Sqlite),
            Self::Postgres(raw) => raw.savepoint().await.map(Self::Postgres),
        }
    }

    /// From here on, whose rows the statements see. The embedded engine has no roles: there the
    /// builders alone filter.
    pub(crate) async fn narrow_to(&self, tenant: TenantId) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(raw) => raw.narrow_to(tenant).await,
        }
    }

    /// What a statement is to return so that it does the same.
    pub(crate) fn narrowing(&self, tenant: TenantId) -> Vec<Expr> {
        match self {
            Self::Sqlite(_) => vec![Expr::val(true)],
            Self::Postgres(raw) => raw.narrowing(tenant),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(raw) => raw.commit().await,
            Self::Postgres(raw) => raw.commit().await,
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(raw) => raw.rollback().await,
            Self::Postgres(raw) => raw.rollback().await,
        }
    }

    pub(crate) async fn execute(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(raw) => {
                sqlite::make_comparable(&mut statement)?;
                raw.execute_raw(statement).await
            }
            Self::Postgres(raw) => raw.execute(&statement).await,
        }
    }

    pub(crate) async fn query(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(raw) => {
                sqlite::make_comparable(&mut statement)?;
                raw.query_all_raw(statement).await
            }
            Self::Postgres(raw) => raw.query(&statement).await,
        }
    }
}
