//! What has had its time is deleted, and nothing else.

use std::{sync::Arc, time::Duration};

use events::EventEngine;
use sea_orm::ActiveValue::{NotSet, Set};
use seam::CallFailure;
use storage::tables::{inbox::State, outbox};
use testing::{RecordingBus, TestStore, noon};

use crate::{
    script::Failure,
    world::{Reader, TESTS, clock, counted, envelope, publish, publishing_store, settings},
};

const DAY: Duration = Duration::from_secs(86_400);

async fn rows(store: &TestStore) -> u64 {
    store.system(&TESTS).find::<outbox::Entity>().count().await.expect("a working store")
}

#[tokio::test]
async fn the_outbox_keeps_what_is_unsent_and_what_was_sent_of_late() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let bus = RecordingBus::new();
    bus.fail("archive", CallFailure::unavailable("archive"));
    let engine = EventEngine::new(store.store(), Vec::new(), bus, settings());
    publish(&store, &[counted(1, 1)]).await;
    engine.run_until_idle().await.expect("a working store");
    clock.advance(6 * DAY);
    publish(&store, &[counted(1, 2)]).await;
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(engine.sweep().await.expect("a working store"), 0);
    clock.advance(2 * DAY);
    assert_eq!(engine.sweep().await.expect("a working store"), 1);
    assert_eq!(rows(&store).await, 3);
}

#[tokio::test]
async fn the_inbox_keeps_what_is_pending_or_dead() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 2, Failure::Permanently);
    reader.script.fail(2, 3, Failure::Always);
    reader.deliver(vec![envelope(1, 1), envelope(1, 2), envelope(2, 3)]).await;
    clock.advance(29 * DAY);
    assert_eq!(reader.engine.sweep().await.expect("a working store"), 0);
    clock.advance(2 * DAY);
    assert_eq!(reader.engine.sweep().await.expect("a working store"), 1);
    let states: Vec<State> = reader.inbox().await.into_values().collect();
    assert_eq!(states, [State::Dead, State::Pending]);
}

#[tokio::test]
async fn much_is_deleted_in_several_transactions() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let row = |n: u128| outbox::ActiveModel {
        seq: NotSet,
        event_id: Set(uuid::Uuid::from_u128(n)),
        destination: Set("reader".to_owned()),
        lane: Set(0),
        ordering_key: Set("counter:1".to_owned()),
        tenant_id: Set(None),
        envelope: Set(serde_json::Value::Null),
        attempts: Set(0),
        next_attempt_at: Set(noon().into()),
        last_error: Set(None),
        created_at: Set(noon().into()),
        sent_at: Set(Some(noon().into())),
    };
    let tx = store.system_write(&TESTS).await.expect("a transaction");
    let inserted = tx.insert_new((0..1_200).map(row).collect(), &[outbox::Column::Seq]).await;
    assert_eq!(inserted.expect("rows"), 1_200);
    tx.commit().await.expect("a commit");
    clock.advance(8 * DAY);
    let engine = EventEngine::new(store.store(), Vec::new(), RecordingBus::new(), settings());
    assert_eq!(Arc::clone(&engine).sweep().await.expect("a working store"), 1_200);
    assert_eq!(rows(&store).await, 0);
}
