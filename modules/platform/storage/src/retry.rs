//! Transactions that the database broke off for another's sake.

use std::{cell::Cell, time::Duration};

use seam::resilience::Backoff;

/// How often a transaction is tried in all.
const ATTEMPTS: u32 = 3;

/// Two that met once should not meet again.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(5), cap: Duration::from_millis(100) };

tokio::task_local! {
    /// Whether the database broke off a transaction of the work that is under way. Kept beside the
    /// work rather than in its error, which a module has made into one of its own by then.
    static CONFLICT: Cell<bool>;
}

/// Runs `work`, and runs it again from its beginning where PostgreSQL broke off a transaction in it
/// because of a deadlock or a serialization failure: at most three times in all. `work` is one
/// transaction, begun and committed inside, and nothing that must not be repeated.
///
/// ```ignore
/// storage::retrying(|| self.settle(ctx, order)).await
/// ```
///
/// # Errors
/// The last attempt's.
pub async fn retrying<T, E, F, Work>(mut work: F) -> Result<T, E>
where
    F: FnMut() -> Work,
    Work: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        let attempted = async {
            let outcome = work().await;
            (outcome, CONFLICT.with(Cell::get))
        };
        let (outcome, met_another) = CONFLICT.scope(Cell::new(false), attempted).await;
        if outcome.is_ok() || !met_another || attempt == ATTEMPTS {
            return outcome;
        }
        tracing::debug!(attempt, "a transaction was broken off and is tried again");
        tokio::time::sleep(BACKOFF.wait(attempt)).await;
        attempt += 1;
    }
}

/// Tells [`retrying`], where it is at work, that it is worth trying again.
pub(crate) fn mark_conflict() {
    // Outside of it there is nobody to tell.
    let _ = CONFLICT.try_with(|conflict| conflict.set(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempts_until(success: u32) -> (Result<u32, u32>, u32) {
        let made = Cell::new(0);
        let outcome = retrying(|| async {
            made.set(made.get() + 1);
            if made.get() < success {
                mark_conflict();
                return Err(made.get());
            }
            Ok(made.get())
        });
        (outcome.await, made.get())
    }

    #[tokio::test]
    async fn what_met_another_is_tried_again_within_a_bound() {
        assert_eq!(attempts_until(1).await, (Ok(1), 1));
        assert_eq!(attempts_until(3).await, (Ok(3), 3));
        assert_eq!(attempts_until(4).await, (Err(3), 3));
    }

    #[tokio::test]
    async fn another_failure_is_final() {
        let made = Cell::new(0);
        let outcome: Result<(), &str> = retrying(|| async {
            made.set(made.get() + 1);
            Err("no")
        })
        .await;
        assert_eq!((outcome, made.get()), (Err("no"), 1));
    }
}
