//! Where the unsent rows of a destination begin.
//!
//! While somebody holds a transaction open, the database keeps what was sent since, and a relay
//! that looked from the beginning would pass it all at each turn. It cannot go on where it stopped
//! either: a row may be committed late behind that place, and with it the first of its key. So the
//! beginning moves only past what can have no unsent row any more.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use storage::{Milestone, Store, StoreError};

use super::rows;

/// By how many numbers, of all destinations, the first row must be on before it is worth a few small
/// questions to move the beginning.
const STEP: i64 = 1_000;

/// What one relay knows of all destinations.
#[derive(Default)]
pub(super) struct Floors(Mutex<HashMap<String, Floor>>);

#[derive(Clone, Copy, Default)]
struct Floor {
    /// No row before it is unsent, or will ever be.
    seq: i64,
    /// Where it is to be moved to, once all transactions have ended that were open when this was
    /// the first unsent row, and what they wrote before it has been sent.
    next: Option<(i64, Milestone)>,
}

impl Floors {
    /// The least number that an unsent row for `destination` can have.
    pub(super) fn of(&self, destination: &str) -> i64 {
        self.lock().get(destination).map_or(0, |floor| floor.seq)
    }

    /// Moves it on, where rows up to about `seen` have been sent.
    pub(super) async fn raise(
        &self,
        store: &Store,
        destination: &str,
        seen: i64,
    ) -> Result<(), StoreError> {
        let mut floor = self.lock().get(destination).copied().unwrap_or_default();
        match floor.next {
            Some((seq, milestone)) if store.has_passed(milestone).await? => {
                // All are known by now that may come before it, and those that did are still to be
                // sent: they may be held back, or in a lane of another relay.
                let first = rows::first_unsent(store, destination, floor.seq).await?;
                if first.is_some_and(|first| first < seq) {
                    return Ok(());
                }
                floor = Floor { seq, next: None };
            }
            None if seen >= floor.seq.saturating_add(STEP) => {
                let first = rows::first_unsent(store, destination, floor.seq).await?;
                let Some(first) = first.filter(|first| *first > floor.seq) else { return Ok(()) };
                // Set once that row can be seen: whoever numbered one before it has begun by now.
                floor.next = Some((first, store.milestone().await?));
            }
            Some(_) | None => return Ok(()),
        }
        self.lock().insert(destination.to_owned(), floor);
        Ok(())
    }

    /// An unsent row was seen there. Where it is below the floor, this is another database than the
    /// one that the floor was found in: one restored, or a standby that had not heard of the last.
    pub(super) fn saw(&self, destination: &str, seq: i64) {
        let mut floors = self.lock();
        if floors.get(destination).is_some_and(|floor| seq < floor.seq) {
            floors.remove(destination);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Floor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Aggregate, Event, TenantId};
    use sea_orm_migration::{MigrationTrait, MigratorTrait};
    use seam::resilience::Backoff;
    use serde::{Deserialize, Serialize};
    use testing::{TestStore, tenant_context};
    use utoipa::ToSchema;
    use uuid::Uuid;

    use super::*;

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            storage::migrations()
        }
    }

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Happened;

    impl Event for Happened {
        const TYPE: &'static str = "source.happened";
        const VERSION: u32 = 1;

        fn aggregate(&self) -> Aggregate {
            Aggregate::new("thing", Uuid::nil(), 1)
        }
    }

    const TENANT: TenantId = TenantId(Uuid::nil());

    async fn publish(store: &TestStore, count: i64) {
        let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
        for _ in 0..count {
            tx.publish(&Happened).await.expect("an event");
        }
        tx.commit().await.expect("a commit");
    }

    async fn source() -> TestStore {
        let store = TestStore::builder("source").random_ids().route(Happened::TYPE, "sink");
        store.open::<Migrator>().await.expect("a store")
    }

    /// Only an engine with several writers has such rows.
    #[tokio::test]
    async fn the_beginning_stays_before_a_row_that_came_late_until_it_is_sent() {
        let store = source().await;
        if store.is_exclusive() {
            return;
        }
        let late = store.write(&tenant_context(TENANT)).await.expect("a transaction");
        late.publish(&Happened).await.expect("an event");
        publish(&store, STEP + 5).await;
        let now = store.store().clock().now();
        let first = rows::first_unsent(&store, "sink", 0).await.expect("rows").expect("a row");
        let last = first + STEP + 4;
        rows::mark_sent(&store, &Vec::from_iter(first..last), now).await.expect("sent");
        let floors = Floors::default();
        floors.raise(&store, "sink", last).await.expect("a working store");
        late.commit().await.expect("a commit");

        let all_have_ended = async || {
            let milestone = store.milestone().await.expect("a milestone");
            while !store.has_passed(milestone).await.expect("an answer") {}
            floors.raise(&store, "sink", last).await.expect("a working store");
        };
        all_have_ended().await;
        assert_eq!(floors.of("sink"), 0, "the late one is still to be sent");
        let late = rows::first_unsent(&store, "sink", 0).await.expect("rows").expect("a row");
        assert!(late < first);
        rows::mark_sent(&store, &[late], now).await.expect("sent");
        all_have_ended().await;
        assert_eq!(floors.of("sink"), last);
    }

    #[tokio::test]
    async fn the_beginning_moves_past_what_was_sent() {
        let store = source().await;
        publish(&store, STEP + 5).await;
        let now = store.store().clock().now();
        let backoff = Backoff { base: std::time::Duration::ZERO, cap: std::time::Duration::ZERO };
        let due = rows::Due { destination: "sink", from: 0, others: &[] };
        let due = rows::due(&store, due, now, backoff, 10_000).await.expect("rows");
        let all: Vec<i64> = due.iter().map(|row| row.seq).collect();
        let floors = Floors::default();

        floors.raise(&store, "sink", all[5]).await.expect("a working store");
        assert_eq!(floors.of("sink"), 0, "not for so little");
        let sent = &all[..all.len() - 3];
        rows::mark_sent(&store, sent, now).await.expect("a working store");
        let first = all[sent.len()];
        floors.raise(&store, "sink", first).await.expect("a working store");
        assert_eq!(floors.of("sink"), 0, "somebody may have written an earlier one");
        // Other databases of the server have transactions too.
        let raised = async {
            while floors.of("sink") == 0 {
                floors.raise(&store, "sink", first).await.expect("a working store");
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), raised).await.expect("raised");
        assert_eq!(floors.of("sink"), first);
        assert_eq!(floors.of("another"), 0);
        floors.saw("sink", first);
        assert_eq!(floors.of("sink"), first);
        floors.saw("sink", first - 1);
        assert_eq!(floors.of("sink"), 0, "it was of another database");
    }
}
