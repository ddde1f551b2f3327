//! Work for later.

use std::{sync::Arc, time::Duration};

use events::{DeadLetterQuery, EventEngine};
use serde_json::json;
use storage::tables::scheduled::{Column, Entity};
use telemetry::metrics::testing::Gathered;
use testing::{RecordingBus, TestStore, tenant_context};

use crate::{
    script::{Script, effect},
    world::{DAMAGE, TENANT, applied_in, clock, counted, parked, publishing_store, settings},
};

const OWN: &str = "counter.own";

async fn schedule(store: &TestStore, after: Duration, n: i64) {
    let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
    let due = store.store().clock().now() + after;
    tx.schedule(due, &format!("count/{n}"), &counted(1, n)).await.expect("a row");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn work_for_later_comes_when_it_is_due_to_the_module_itself() {
    const HOUR: Duration = Duration::from_secs(3600);

    let clock = clock();
    let store = publishing_store(&clock).await;
    let script = Arc::new(Script::default());
    let bus = RecordingBus::new();
    let consumers = vec![effect(OWN, &script)];
    let engine = EventEngine::new(store.store(), consumers, bus.clone(), settings());
    for (hours, n) in [(3, 3), (1, 1), (2, 2), (2, 4)] {
        schedule(&store, hours * HOUR, n).await;
    }
    let settle = || async { engine.run_until_idle().await.expect("a working store") };
    assert_eq!(settle().await, 0);
    clock.advance(HOUR);
    settle().await;
    assert_eq!(applied_in(&store, OWN).await, [(1, 1)]);
    let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
    assert!(tx.cancel("count/4").await.expect("a working store"));
    tx.commit().await.expect("a commit");
    clock.advance(5 * HOUR);
    settle().await;
    assert_eq!(applied_in(&store, OWN).await, [(1, 1), (1, 2), (1, 3)]);
    assert!(bus.published().is_empty(), "nobody else hears of it");
    assert_eq!(engine.backlog().await.expect("a working store").scheduled, 0);
}

#[tokio::test]
async fn more_than_one_transaction_takes_is_promoted_too() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let script = Arc::new(Script::default());
    let consumers = vec![effect(OWN, &script)];
    let engine = EventEngine::new(store.store(), consumers, RecordingBus::new(), settings());
    for n in 1..=150 {
        schedule(&store, Duration::ZERO, n).await;
    }
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(applied_in(&store, OWN).await.len(), 150);
}

/// As after a roll-back to a build that does not know what was scheduled.
#[tokio::test]
async fn what_cannot_be_read_is_parked_and_keeps_nothing_else_waiting() {
    let gathered = Gathered::begin();
    let clock = clock();
    let store = publishing_store(&clock).await;
    let script = Arc::new(Script::default());
    let consumers = vec![effect(OWN, &script)];
    let engine = EventEngine::new(store.store(), consumers, RecordingBus::new(), settings());
    schedule(&store, Duration::ZERO, 1).await;
    let unknown = json!({ "of": "another shape" });
    let tx = store.system_write(&DAMAGE).await.expect("a transaction");
    let damaged = tx.update_many::<Entity>().set(Column::Envelope, unknown.clone()).exec().await;
    assert_eq!(damaged.expect("an update"), 1);
    tx.commit().await.expect("a commit");
    schedule(&store, Duration::ZERO, 2).await;

    engine.run_until_idle().await.expect("a working store");
    assert_eq!(applied_in(&store, OWN).await, [(1, 2)]);
    assert_eq!(parked(&gathered, "unrouted"), Some(1.0));
    let letters = engine.dead_letters().list(&DeadLetterQuery::default()).await;
    let [letter] = &letters.expect("a list").items[..] else { panic!("one dead letter") };
    let shown = engine.dead_letters().show(&letter.id).await.expect("a working store");
    assert_eq!(shown.expect("the letter").envelope, unknown);
    // Replayed by this build, it is parked again, and nothing else is touched.
    engine.dead_letters().replay(&letter.id).await.expect("replayed");
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(engine.backlog().await.expect("a backlog").dead, 1);
    assert_eq!(parked(&gathered, "unrouted"), Some(2.0));
}
