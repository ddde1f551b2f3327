//! The way of a statement from a builder to the engine.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::{Store, StoreError, engine::Sight, spans, transaction::Transaction};

/// Where a query runs.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    /// Outside a transaction.
    Store(&'a Store, Sight),
    Transaction(&'a Transaction),
}

impl<'a> On<'a> {
    /// The connection, unless the transaction has failed before.
    pub(crate) fn link(self) -> Result<Link<'a>, StoreError> {
        match self {
            Self::Store(store, sight) => Ok(Link::Store(store, sight)),
            Self::Transaction(tx) => tx.link(),
        }
    }

    /// Explains the failure of a statement, and remembers it where it was in a transaction.
    pub(crate) fn failed(self, error: DbErr) -> StoreError {
        match self {
            Self::Store(store, _) => store.explain(error),
            Self::Transaction(tx) => tx.failed(error),
        }
    }
}

/// A connection as the builders see it. Every statement passes here on its way to the engine.
pub(crate) enum Link<'a> {
    Store(&'a Store, Sight),
    Transaction(&'a Transaction),
}

#[async_trait]
impl ConnectionTrait for Link<'_> {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Store(store, _) => store.database().backend(),
            Self::Transaction(tx) => tx.store().database().backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Store(..) => Err(DbErr::Custom("a write needs a transaction".to_owned())),
            Self::Transaction(tx) => {
                let operation = spans::statement(tx.store(), &statement);
                operation.around(tx.run(tx.open().execute(statement))).await
            }
        }
    }

    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        // No builder sends text of its own.
        Err(DbErr::Custom("statements are built, not written".to_owned()))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Store(store, sight) => {
                let operation = spans::statement(store, &statement);
                operation.around(store.database().read(*sight, statement)).await
            }
            Self::Transaction(tx) => {
                let operation = spans::statement(tx.store(), &statement);
                operation.around(tx.run(tx.open().query(statement))).await
            }
        }
    }
}
