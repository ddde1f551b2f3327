//! What belongs together: the turns that one request takes.
//!
//! The mark goes with the task, since turns are taken far below those who know of requests. Work
//! outside of any operation, and on a task that an operation has spawned, is new at each turn.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

tokio::task_local! {
    static TURNS: Cell<Turns>;
}

/// The turns that an operation has had.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// One was worth so much that the operation is under way wherever it comes.
    is_under_way: bool,
    /// The queues that gave it one.
    at: u64,
}

/// One queue among those of its program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

impl Place {
    /// Another than those before. Of more queues than a program has, 64, some are taken for one.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(1 << (NEXT.fetch_add(1, Relaxed) % u64::BITS))
    }
}

/// Runs a request that comes from outside.
pub async fn begin<F: Future>(request: F) -> F::Output {
    TURNS.scope(Cell::default(), request).await
}

/// Runs a part of a request that another program has begun.
pub async fn resume<F: Future>(part: F) -> F::Output {
    TURNS.scope(Cell::new(Turns { is_under_way: true, at: 0 }), part).await
}

/// Says that the operation has had what is too dear to be thrown away.
pub fn mark_under_way() {
    change(|turns| Turns { is_under_way: true, ..turns });
}

/// Says that the operation has had a turn which nobody had to wait for: that says nothing of it
/// elsewhere.
pub(crate) fn mark_at(place: Place) {
    change(|turns| Turns { at: turns.at | place.0, ..turns });
}

/// Whether turning the operation away at `place` would waste what was done for it.
pub(crate) fn is_under_way_at(place: Place) -> bool {
    let turns = TURNS.try_with(Cell::get).unwrap_or_default();
    turns.is_under_way || turns.at & place.0 != 0
}

fn change(change: impl FnOnce(Turns) -> Turns) {
    // There may be no operation to speak of.
    let _ = TURNS.try_with(|turns| turns.set(change(turns.get())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_is_under_way_where_it_has_had_a_turn() {
        let [here, there] = [Place::next(), Place::next()];
        let both = || [here, there].map(is_under_way_at);
        begin(async {
            assert_eq!(both(), [false, false]);
            mark_at(here);
            assert_eq!(both(), [true, false]);
            mark_under_way();
            assert_eq!(both(), [true, true]);
        })
        .await;
        assert_eq!(begin(async { both() }).await, [false, false], "another one");
        assert_eq!(resume(async { both() }).await, [true, true]);
    }

    #[tokio::test]
    async fn outside_of_operations_everything_is_new() {
        mark_under_way();
        assert!(!is_under_way_at(Place::next()));
    }
}
