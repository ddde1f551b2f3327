//! What belongs together: the turns that one request takes.
//!
//! The mark goes with the task, since turns are taken far below those who know of requests. Work
//! outside of any operation, and on a task that an operation has spawned, is new at each turn.

use std::cell::Cell;

tokio::task_local! {
    static UNDER_WAY: Cell<bool>;
}

/// Runs a request that comes from outside.
pub async fn begin<F: Future>(request: F) -> F::Output {
    UNDER_WAY.scope(Cell::new(false), request).await
}

/// Runs a part of a request that another program has begun.
pub async fn resume<F: Future>(part: F) -> F::Output {
    UNDER_WAY.scope(Cell::new(true), part).await
}

/// Says that the operation has had a turn.
pub fn mark_under_way() {
    // There may be no operation to speak of.
    let _ = UNDER_WAY.try_with(|under_way| under_way.set(true));
}

/// Whether the operation has had a turn, so that turning it away would waste what was done.
#[must_use]
pub fn is_under_way() -> bool {
    UNDER_WAY.try_with(Cell::get).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_is_under_way_from_its_first_turn_on() {
        let after = begin(async {
            assert!(!is_under_way());
            mark_under_way();
            is_under_way()
        });
        assert!(after.await);
        assert!(!begin(async { is_under_way() }).await, "another one");
        assert!(resume(async { is_under_way() }).await);
    }

    #[tokio::test]
    async fn outside_of_operations_everything_is_new() {
        mark_under_way();
        assert!(!is_under_way());
    }
}
