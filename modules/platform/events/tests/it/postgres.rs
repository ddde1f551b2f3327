//! What only an engine with several writers lets happen: effects that meet each other, and events
//! that are committed late.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use events::{Consumer, Delivery, Effect, EventEngine, HandlerError};
use kernel::CallContext;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait,
};
use seam::CallFailure;
use storage::{TenantTx, tables::inbox::State};
use testing::{RecordingBus, tenant_context};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::{
    entities::applied,
    script::Script,
    world::{Counted, LONG, Reader, TENANT, clock, counted, envelope, publishing_store, settings},
};

/// Counts two rows up, in an order that depends on the event; the first time, each waits until
/// the other has one of them.
struct CountBoth {
    meeting: Barrier,
    calls: AtomicU32,
}

#[async_trait]
impl Effect<Counted> for CountBoth {
    async fn apply(
        &self,
        tx: &TenantTx,
        _: &CallContext,
        event: Counted,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        let is_first = self.calls.fetch_add(1, Ordering::SeqCst) < 2;
        let order = if event.counter.as_u128() == 1 { [1, 2] } else { [2, 1] };
        for (n, row) in order.into_iter().enumerate() {
            let row = applied::Column::Counter.eq(Uuid::from_u128(row));
            let found = tx.find::<applied::Entity>().filter(row.clone()).lock().one().await?;
            let next = found.map_or(0, |row| row.n) + 1;
            let up = tx.update_many::<applied::Entity>().set(applied::Column::N, next);
            up.filter(row).exec().await?;
            if n == 0 && is_first {
                self.meeting.wait().await;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_effect_that_met_another_is_tried_again_at_once() {
    let effect = Arc::new(CountBoth { meeting: Barrier::new(2), calls: AtomicU32::new(0) });
    let consumer = Consumer::effect::<Counted>("reader.both", Arc::clone(&effect) as _);
    let reader = Reader::with(&clock(), vec![consumer], Arc::new(Script::default())).await;
    let tx = reader.store.write(&tenant_context(TENANT)).await.expect("a transaction");
    for row in [1, 2] {
        let row = applied::ActiveModel {
            seq: NotSet,
            tenant_id: NotSet,
            consumer: Set("rows".to_owned()),
            counter: Set(Uuid::from_u128(row)),
            n: Set(0),
        };
        tx.insert(row).await.expect("a row");
    }
    tx.commit().await.expect("a commit");

    // The clock stands still: what was stored to be tried later would not be tried.
    let deliver = |counter| reader.deliver(vec![envelope(counter, 1)]);
    let (one, other) = tokio::join!(deliver(1), deliver(2));
    assert_eq!((one.taken.len(), other.taken.len()), (1, 1));
    let rows = reader.store.read(&tenant_context(TENANT)).expect("a reader");
    let rows = rows.find::<applied::Entity>().all().await.expect("the rows");
    assert_eq!(rows.iter().map(|row| row.n).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(effect.calls.load(Ordering::SeqCst), 3, "one was broken off, and came again");
    assert!(reader.inbox().await.values().all(|state| *state == State::Done));
}

/// A relay that has sent thousands of later events in the meantime still finds the one that was
/// written first and committed last, and sends it before the next of its key.
#[tokio::test]
async fn what_is_committed_late_is_sent_in_the_order_of_its_key() {
    const OTHERS: i64 = 5_000;
    const ROUNDS: i64 = 4;
    let clock = clock();
    let store = publishing_store(&clock).await;
    let bus = RecordingBus::new();
    let engine = EventEngine::new(store.store(), Vec::new(), bus.clone(), settings());
    let late = store.write(&tenant_context(TENANT)).await.expect("a transaction");
    late.publish(&counted(1, 1)).await.expect("an event");
    // The relay looks several times, and moves on in between.
    for round in 0..ROUNDS {
        let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
        for n in 1..=OTHERS / ROUNDS {
            tx.publish(&counted(2, round * OTHERS / ROUNDS + n)).await.expect("an event");
        }
        tx.commit().await.expect("a commit");
        engine.run_until_idle().await.expect("a working store");
    }
    late.commit().await.expect("a commit");
    let next = store.write(&tenant_context(TENANT)).await.expect("a transaction");
    next.publish(&counted(1, 2)).await.expect("an event");
    next.commit().await.expect("a commit");
    // It is found, and not sent at once.
    bus.fail("reader", CallFailure::unavailable("reader"));
    engine.run_until_idle().await.expect("a working store");
    bus.heal("reader");
    clock.advance(LONG);
    engine.run_until_idle().await.expect("a working store");

    let sent = bus.events::<Counted>("reader");
    let others: Vec<_> = (1..=OTHERS).map(|n| counted(2, n)).collect();
    assert_eq!(sent[..others.len()], others[..]);
    assert_eq!(sent[others.len()..], [counted(1, 1), counted(1, 2)]);
}
