//! What is told of a store's error: to the log, all of it; to the caller of a port, whether its call
//! may have been done.

use kernel::said_once;
use seam::CallFailure;
use telemetry::errors::unexpected;

use super::StoreError;
use crate::is_fault;

impl From<StoreError> for CallFailure {
    /// What the caller of a port learns: whether the call may have been done. On the public API a
    /// store's error becomes a problem instead, which `web` knows how to make.
    ///
    /// The error is logged here with its sources, since it goes no further. Certainly nothing was
    /// done where the store is busy, and where a row that was to be changed is gone, which undoes
    /// the transaction: a repetition reads anew and finds what there is now. A read that finds
    /// nothing is no error and never comes here.
    fn from(error: StoreError) -> Self {
        let module = error.module();
        let chain = said_once(&error);
        match error {
            StoreError::Busy { .. } | StoreError::Conflict { .. } => {
                tracing::warn!(service.name = module, exception.message = %chain, "the store is busy");
                Self::unavailable(module)
            }
            StoreError::NotFound { .. } => {
                tracing::warn!(service.name = module, exception.message = %chain, "a row is gone");
                Self::unavailable(module)
            }
            _ => {
                let fault = is_fault(&error).then(|| unexpected(module, &error));
                tracing::error!(
                    service.name = module,
                    exception.message = %chain,
                    error.fingerprint = fault.map(display),
                    "the store failed"
                );
                Self::outcome_unknown(module)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DbErr;

    use super::*;

    #[test]
    fn a_chain_says_each_thing_once() {
        let source = DbErr::Custom("the disk is full".into());
        let error = StoreError::Database { module: "notes", source };
        assert_eq!(
            said_once(&error),
            "the database of notes failed: Custom Error: the disk is full"
        );

        let inner = sea_orm::RuntimeErr::Internal("no such table".into());
        let error = StoreError::Database { module: "notes", source: DbErr::Exec(inner) };
        assert_eq!(
            said_once(&error),
            "the database of notes failed: Execution Error: no such table"
        );
    }

    #[test]
    fn a_caller_learns_whether_anything_may_have_been_done() {
        let timeout = || DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
        let busy = StoreError::Busy { module: "notes", source: timeout() };
        assert_eq!(CallFailure::from(busy), CallFailure::unavailable("notes"));
        let unknown = StoreError::CommitUnknown { module: "notes", source: timeout() };
        assert_eq!(CallFailure::from(unknown), CallFailure::outcome_unknown("notes"));
        let missing = StoreError::NotFound { module: "notes", table: "notes" };
        assert_eq!(CallFailure::from(missing), CallFailure::unavailable("notes"));
    }
}
