//! What the errors of PostgreSQL mean.

use std::collections::HashMap;

use sea_orm::{
    DbBackend, DbErr, RuntimeErr, Statement,
    sqlx::{Error, error::DatabaseError, postgres::PgDatabaseError},
};

use super::pool::Pool;
use crate::{StoreError, UniqueKey, retry};

// Class and codes: PostgreSQL documentation, appendix A.
const UNIQUE_VIOLATION: &str = "23505";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";
const TOO_MANY_CONNECTIONS: &str = "53300";
const CONNECTION_EXCEPTIONS: &str = "08";
/// Shutdown, crash, start-up, and a database that is being dropped.
const OPERATOR_INTERVENTION: &str = "57P";
/// `idle_in_transaction_session_timeout`: the process stood still with a transaction open.
const IDLE_IN_TRANSACTION: &str = "25P03";

/// The columns of the unique keys of a schema, by the keys' names. PostgreSQL tells them by itself
/// only where no row-level security could be asked about foreign rows in that way.
pub(super) struct UniqueKeys(HashMap<String, UniqueKey>);

impl UniqueKeys {
    /// Reads them from the catalogue. Those that a newer build adds later have no columns here.
    pub(super) async fn load(module: &'static str, system: &Pool) -> Result<Self, StoreError> {
        let select = "SELECT key.relname AS key_name, held.relname AS table_name, \
             array_to_json(array_agg(part.attname ORDER BY position.nth)) AS columns \
             FROM pg_index AS index \
             JOIN pg_class AS key ON key.oid = index.indexrelid \
             JOIN pg_class AS held ON held.oid = index.indrelid \
             CROSS JOIN LATERAL unnest(index.indkey) WITH ORDINALITY AS position(attnum, nth) \
             JOIN pg_attribute AS part \
             ON part.attrelid = held.oid AND part.attnum = position.attnum \
             WHERE index.indisunique \
             AND held.relnamespace = current_schema()::regnamespace \
             GROUP BY key.relname, held.relname";
        let statement = Statement::from_string(DbBackend::Postgres, select);
        let unreadable = |source| StoreError::Database { module, source };
        let rows = system.read(statement).await.map_err(|error| unreachable(module, error))?;
        let mut keys = HashMap::with_capacity(rows.len());
        for row in rows {
            let name = row.try_get("", "key_name").map_err(unreadable)?;
            let table = row.try_get("", "table_name").map_err(unreadable)?;
            let columns: serde_json::Value = row.try_get("", "columns").map_err(unreadable)?;
            let columns = serde_json::from_value(columns).unwrap_or_default();
            keys.insert(name, UniqueKey { table, columns });
        }
        Ok(Self(keys))
    }

    fn find(&self, error: &PgDatabaseError) -> UniqueKey {
        let known = error.constraint().and_then(|name| self.0.get(name));
        known.cloned().unwrap_or_else(|| UniqueKey {
            table: error.table().unwrap_or_default().to_owned(),
            columns: Vec::new(),
        })
    }
}

/// What the failure of a statement means. Whatever it is, the transaction has done nothing.
pub(super) fn explain(module: &'static str, keys: &UniqueKeys, error: DbErr) -> StoreError {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return StoreError::Busy { module, source: error };
    }
    let Some(cause) = cause(&error) else { return StoreError::Database { module, source: error } };
    if is_lost(cause) {
        return StoreError::Busy { module, source: error };
    }
    match database_error(cause) {
        Some(told) if told.code() == UNIQUE_VIOLATION => {
            StoreError::Unique { module, key: keys.find(told), source: error }
        }
        Some(told) if matches!(told.code(), SERIALIZATION_FAILURE | DEADLOCK_DETECTED) => {
            retry::mark_conflict();
            StoreError::Conflict { module, source: error }
        }
        Some(told)
            if matches!(
                told.code(),
                LOCK_NOT_AVAILABLE | QUERY_CANCELED | TOO_MANY_CONNECTIONS
            ) =>
        {
            StoreError::Busy { module, source: error }
        }
        _ => StoreError::Database { module, source: error },
    }
}

/// What the failure of a commit means: only what PostgreSQL itself refuses is certainly undone.
pub(super) fn explain_commit(module: &'static str, error: DbErr) -> StoreError {
    let refused = cause(&error).filter(|cause| !is_lost(cause)).and_then(database_error);
    match refused.map(PgDatabaseError::code) {
        Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED) => {
            retry::mark_conflict();
            StoreError::Conflict { module, source: error }
        }
        Some(_) => StoreError::Database { module, source: error },
        None => StoreError::CommitUnknown { module, source: error },
    }
}

/// What keeps a store from being opened, where it is not the fault of the database's content.
pub(super) fn unreachable(module: &'static str, error: DbErr) -> StoreError {
    StoreError::Unreachable { module, source: error }
}

/// Whether the connection is gone, and whatever was begun on it undone.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed => true,
        Error::Database(told) => told.code().is_some_and(|code| {
            code.starts_with(CONNECTION_EXCEPTIONS)
                || code.starts_with(OPERATOR_INTERVENTION)
                || code == IDLE_IN_TRANSACTION
        }),
        _ => false,
    }
}

/// Whether the database gave one of `codes` as its reason.
pub(super) fn has_code(error: &DbErr, codes: &[&str]) -> bool {
    sqlstate(error).is_some_and(|code| codes.contains(&&*code))
}

/// The reason that the database gave: five characters.
pub(crate) fn sqlstate(error: &DbErr) -> Option<String> {
    let told = cause(error)?.as_database_error()?;
    told.code().map(|code| code.into_owned())
}

fn cause(error: &DbErr) -> Option<&Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))
        | DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

fn database_error(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error().and_then(|error: &dyn DatabaseError| error.try_downcast_ref())
}
