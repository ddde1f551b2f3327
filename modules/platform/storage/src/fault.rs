//! Which errors nobody expects.

use std::error::Error;

use seam::CallFailure;

use crate::StoreError;

/// Whether `error` is a fault of the program, as far as it and its sources say: something that an engineer
/// should hear of.
///
/// It is none where a store is busy, gone or broke off, which is told as an outage and passes; nor where
/// a call to another module brought no answer: whatever is wrong there, the callee tells it.
#[must_use]
pub fn is_fault(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref().is_some_and(is_outage)
            || error.downcast_ref().is_some_and(is_told_by_callee)
        {
            return false;
        }
        next = error.source();
    }
    true
}

const fn is_outage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Busy { .. }
            | StoreError::Conflict { .. }
            | StoreError::CommitUnknown { .. }
            | StoreError::Unreachable { .. }
            | StoreError::NotFound { .. }
    )
}

/// That the two sides do not understand each other only the caller knows.
const fn is_told_by_callee(failure: &CallFailure) -> bool {
    !matches!(failure, CallFailure::Incompatible { .. })
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnAcquireErr, DbErr};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the invoice was not written")]
    struct NotWritten<E: Error + 'static>(#[source] E);

    #[test]
    fn an_outage_is_no_fault_however_deep_it_is() {
        let timeout = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        assert!(!is_fault(&StoreError::Busy { module: "notes", source: timeout() }));
        let unknown = StoreError::CommitUnknown { module: "notes", source: timeout() };
        assert!(!is_fault(&NotWritten(NotWritten(unknown))));
        let broken = StoreError::Database { module: "notes", source: DbErr::Custom("no".into()) };
        assert!(is_fault(&NotWritten(broken)));
        assert!(is_fault(&StoreError::NoTenant { module: "notes" }));
    }

    #[test]
    fn a_failed_call_is_the_callees_to_tell() {
        for failure in [
            CallFailure::unavailable("notes"),
            CallFailure::deadline_exceeded("notes"),
            CallFailure::outcome_unknown("notes"),
        ] {
            assert!(!is_fault(&NotWritten(failure)));
        }
        assert!(is_fault(&CallFailure::incompatible("notes", "another version")));
    }
}
