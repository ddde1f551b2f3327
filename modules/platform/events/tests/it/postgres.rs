//! Effects that meet each other, as only an engine with several writers lets them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use events::{Consumer, Delivery, Effect, HandlerError};
use kernel::CallContext;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait,
};
use storage::{TenantTx, tables::inbox::State};
use testing::tenant_context;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::{
    entities::applied,
    script::Script,
    world::{Counted, Reader, TENANT, clock, envelope},
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
