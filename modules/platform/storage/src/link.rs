//! The way of a statement from a builder to the engine.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use crate::{Store, StoreError, sqlite, transaction::Transaction};

/// Where a query runs.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    Readers(&'a Store),
    Transaction(&'a Transaction),
}

impl<'a> On<'a> {
    /// The connection, unless the transaction has failed before.
    pub(crate) fn link(self) -> Result<Link<'a>, StoreError> {
        match self {
            Self::Readers(store) => Ok(store.link()),
            Self::Transaction(tx) => tx.link(),
        }
    }

    /// Explains the failure of a statement, and remembers it where it was in a transaction.
    pub(crate) fn failed(self, error: DbErr) -> StoreError {
        match self {
            Self::Readers(store) => sqlite::explain(store.module(), error),
            Self::Transaction(tx) => tx.failed(error),
        }
    }
}

/// A connection as the builders see it. Every statement passes here on its way to the engine.
pub(crate) enum Link<'a> {
    Pool(&'a DatabaseConnection),
    Transaction(&'a Transaction),
}

#[async_trait]
impl ConnectionTrait for Link<'_> {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pool(pool) => pool.get_database_backend(),
            Self::Transaction(tx) => tx.raw().get_database_backend(),
        }
    }

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        sqlite::make_comparable(&mut statement)?;
        match self {
            Self::Pool(pool) => pool.execute_raw(statement).await,
            Self::Transaction(tx) => tx.run(tx.raw().execute_raw(statement)).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pool(pool) => pool.execute_unprepared(sql).await,
            Self::Transaction(tx) => tx.run(tx.raw().execute_unprepared(sql)).await,
        }
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        sqlite::make_comparable(&mut statement)?;
        match self {
            Self::Pool(pool) => pool.query_one_raw(statement).await,
            Self::Transaction(tx) => tx.run(tx.raw().query_one_raw(statement)).await,
        }
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        sqlite::make_comparable(&mut statement)?;
        match self {
            Self::Pool(pool) => pool.query_all_raw(statement).await,
            Self::Transaction(tx) => tx.run(tx.raw().query_all_raw(statement)).await,
        }
    }
}
