//! What the errors of PostgreSQL mean.

use std::io;

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{Error, error::DatabaseError, postgres::PgDatabaseError},
};

use super::unique_keys::UniqueKeys;
use crate::{StoreError, metrics, retry};

// Class and codes: PostgreSQL documentation, appendix A.
const UNIQUE_VIOLATION: &str = "23505";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";
const TOO_MANY_CONNECTIONS: &str = "53300";
/// No right to a table, or a row that the policies of row-level security do not let pass.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const CONNECTION_EXCEPTIONS: &str = "08";
/// Shutdown, crash, start-up, and a database that is being dropped.
const OPERATOR_INTERVENTION: &str = "57P";
/// `idle_in_transaction_session_timeout`: the process stood still with a transaction open.
const IDLE_IN_TRANSACTION: &str = "25P03";
const IN_FAILED_TRANSACTION: &str = "25P02";
const CANNOT_CONNECT_NOW: &str = "57P03";
/// "cached plan must not change result type": a migration has changed what a statement returns.
const FEATURE_NOT_SUPPORTED: &str = "0A000";
/// The server is no longer the one that is written to: another has taken over.
const READ_ONLY_SQL_TRANSACTION: &str = "25006";
/// A statement that was prepared is not there: a pooler has changed the connection behind us.
const INVALID_STATEMENT_NAME: &str = "26000";

/// What the failure of a statement means. Whatever it is, the transaction has done nothing.
pub(super) fn explain(module: &'static str, keys: &UniqueKeys, error: DbErr) -> StoreError {
    // Without a connection nothing was done.
    if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
        return StoreError::Busy { module, source: error };
    }
    let Some(cause) = cause(&error) else { return StoreError::Database { module, source: error } };
    // What fits no longer is replaced: the connection for the next one, and the whole of the work
    // by whoever tries again.
    if is_lost(cause) || is_stale(cause) {
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
        Some(told) if told.code() == INSUFFICIENT_PRIVILEGE => {
            metrics::refusal(module);
            StoreError::Database { module, source: error }
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
        Some(IN_FAILED_TRANSACTION) => StoreError::Aborted { module },
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

/// Whether the server, or the way to it, stands still: it would on another connection too.
pub(super) fn is_hung(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Whether the server could answer soon, where a connection was refused.
pub(super) fn is_starting(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        Error::Database(told) => told
            .code()
            .is_some_and(|code| code == TOO_MANY_CONNECTIONS || code == CANNOT_CONNECT_NOW),
        _ => false,
    }
}

/// Whether the connection, or what is prepared on it, fits no longer, so that a new one is needed.
pub(super) fn is_stale(error: &Error) -> bool {
    const STALE: [&str; 3] =
        [FEATURE_NOT_SUPPORTED, INVALID_STATEMENT_NAME, READ_ONLY_SQL_TRANSACTION];
    matches!(error, Error::Database(told) if told.code().is_some_and(|code| STALE.contains(&&*code)))
}

/// [`is_lost`], of an error that has been on its way.
pub(super) fn was_lost(error: &DbErr) -> bool {
    cause(error).is_some_and(|error| is_lost(error) && !is_hung(error))
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
