//! Taking: once, in order, and never losing it.

use std::sync::Arc;

use events::{EventEngine, Happening};
use kernel::{CallingProgram, SpeaksFor};
use seam::{CallFailure, DeliveryError, EventBatch, EventInbox};
use storage::tables::inbox::{Column, Entity, State};
use telemetry::metrics::testing::Gathered;
use testing::{CLIENTS, Client};

use crate::{
    script::{Failure, Script, action, effect},
    world::{DAMAGE, LONG, Reader, applied_in, clock, envelope, parked, service_context, settings},
};

const COUNT: &str = "reader.count";

fn key(n: i64) -> (String, i64) {
    (COUNT.to_owned(), n)
}

#[tokio::test]
async fn an_event_has_its_effect_once_however_often_it_comes() {
    for client in CLIENTS {
        let reader = Reader::new(&clock()).await;
        let inbox: Arc<dyn EventInbox> = client.of(reader.engine.inbox());
        let batch = EventBatch { envelopes: vec![envelope(1, 1), envelope(1, 2)] };
        let first = inbox.deliver(&service_context(), batch.clone()).await.expect("a receipt");
        let again = inbox.deliver(&service_context(), batch.clone()).await.expect("a receipt");
        assert_eq!(first.taken, [envelope(1, 1).id, envelope(1, 2).id], "{client}");
        assert_eq!(again, first, "{client}");
        assert_eq!(reader.applied().await, [(1, 1), (1, 2)], "{client}");
    }
}

#[tokio::test]
async fn deliveries_at_the_same_time_have_one_effect() {
    let reader = Reader::new(&clock()).await;
    let envelopes = || (1..=20).map(|n| envelope(1, n)).collect::<Vec<_>>();
    tokio::join!(
        reader.deliver(envelopes()),
        reader.deliver(envelopes()),
        reader.deliver(envelopes())
    );
    assert_eq!(reader.applied().await, (1..=20).map(|n| (1, n)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failed_effect_leaves_nothing_but_a_note_to_try_again() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 1, Failure::Times(1));
    let receipt = reader.deliver(vec![envelope(1, 1)]).await;
    assert_eq!(receipt.taken, [envelope(1, 1).id], "the sender may forget it");
    assert_eq!(reader.applied().await, []);
    assert_eq!(reader.inbox().await[&key(1)], State::Pending);
    reader.settle().await;
    assert_eq!(reader.applied().await, [], "it is not due yet");
    clock.advance(LONG);
    reader.settle().await;
    assert_eq!(reader.applied().await, [(1, 1)]);
    assert_eq!(reader.inbox().await[&key(1)], State::Done);
}

#[tokio::test]
async fn a_failing_event_holds_up_its_own_key_and_consumer_alone() {
    let clock = clock();
    let (script, sound) = (Arc::new(Script::default()), Arc::new(Script::default()));
    let consumers = vec![effect(COUNT, &script), effect("reader.other", &sound)];
    let reader = Reader::with(&clock, consumers, script).await;
    reader.script.fail(1, 1, Failure::Times(1));
    reader.deliver(vec![envelope(1, 1), envelope(2, 7), envelope(1, 2), envelope(1, 3)]).await;
    assert_eq!(reader.applied().await, [(2, 7)], "what follows under its key waits");
    let other = applied_in(&reader.store, "reader.other").await;
    // Keys are worked on beside each other where the engine can.
    let (first, second): (Vec<_>, Vec<_>) =
        other.into_iter().partition(|(counter, _)| *counter == 1);
    assert_eq!(first, [(1, 1), (1, 2), (1, 3)], "the other consumer does not");
    assert_eq!(second, [(2, 7)]);
    clock.advance(LONG);
    reader.settle().await;
    assert_eq!(reader.applied().await, [(2, 7), (1, 1), (1, 2), (1, 3)]);
}

#[tokio::test]
async fn what_waits_keeps_the_order_of_its_arrival_whatever_its_ids() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 9, Failure::Times(1));
    reader.deliver((0..=9).rev().map(|n| envelope(1, n)).collect()).await;
    clock.advance(LONG);
    reader.settle().await;
    assert_eq!(reader.applied().await, (0..=9).rev().map(|n| (1, n)).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_its_last_attempt_an_event_is_parked_and_its_key_goes_on() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 1, Failure::Always);
    reader.deliver(vec![envelope(1, 1), envelope(1, 2)]).await;
    for _ in 1..settings().max_attempts {
        assert_eq!(reader.inbox().await[&key(1)], State::Pending);
        clock.advance(LONG);
        reader.settle().await;
    }
    assert_eq!(reader.inbox().await[&key(1)], State::Dead);
    assert_eq!(reader.applied().await, [(1, 2)]);
    let attempts: Vec<_> =
        reader.script.calls().iter().filter(|call| call.n == 1).map(|c| c.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test]
async fn what_can_never_be_handled_is_parked_at_once() {
    let reader = Reader::new(&clock()).await;
    reader.script.fail(1, 1, Failure::Permanently);
    let malformed = kernel::Envelope {
        payload: serde_json::json!({ "counter": "not an id" }),
        ..envelope(1, 2)
    };
    let of_no_tenant = kernel::Envelope { tenant: None, ..envelope(1, 3) };
    let newer = kernel::Envelope { version: 2, ..envelope(1, 4) };
    let receipt =
        reader.deliver(vec![envelope(1, 1), malformed, of_no_tenant, newer, envelope(1, 5)]).await;
    assert_eq!(receipt.taken.len(), 5);
    let states = reader.inbox().await;
    let states: Vec<State> = (1..=5).map(|n| states[&key(n)]).collect();
    assert_eq!(states, [State::Dead, State::Dead, State::Dead, State::Dead, State::Done]);
    assert_eq!(reader.applied().await, [(1, 5)]);
}

/// As after a roll-back to a build that does not know what was stored.
#[tokio::test]
async fn what_was_stored_and_cannot_be_read_is_parked_and_counted() {
    let gathered = Gathered::begin();
    let script = Arc::new(Script::default());
    let reader = Reader::with(&clock(), vec![action(COUNT, &script)], script).await;
    reader.deliver(vec![envelope(1, 1)]).await;
    assert_eq!(reader.inbox().await[&key(1)], State::Pending);
    assert_eq!(parked(&gathered, COUNT), Some(0.0));
    let unknown = serde_json::json!({ "of": "another shape" });
    let tx = reader.store.system_write(&DAMAGE).await.expect("a transaction");
    let damaged = tx.update_many::<Entity>().set(Column::Envelope, unknown).exec().await;
    assert_eq!(damaged.expect("an update"), 1);
    tx.commit().await.expect("a commit");

    reader.settle().await;
    assert_eq!(reader.inbox().await[&key(1)], State::Dead);
    assert_eq!(reader.script.calls(), []);
    assert_eq!(parked(&gathered, COUNT), Some(1.0));
}

/// The sender sends only what the module's contract says it consumes: a newer build of it does.
#[tokio::test]
async fn an_event_that_nobody_consumes_yet_is_kept_for_the_next_build() {
    let script = Arc::new(Script::default());
    let old_build = Reader::with(&clock(), Vec::new(), Arc::clone(&script)).await;
    assert_eq!(old_build.deliver(vec![envelope(1, 1)]).await.taken.len(), 1);
    let kept = ("unrouted".to_owned(), 1);
    assert_eq!(old_build.inbox().await[&kept], State::Dead);
    assert_eq!(old_build.engine.dead_letters().replay_all("unrouted").await.expect("kept"), 1);
    old_build.settle().await;
    assert_eq!(old_build.inbox().await[&kept], State::Dead, "still nobody consumes it");

    let consumers = vec![effect("reader.count", &script)];
    let bus = testing::RecordingBus::new();
    let new_build = EventEngine::new(old_build.store.store(), consumers, bus, settings());
    assert_eq!(new_build.dead_letters().replay_all("unrouted").await.expect("kept"), 1);
    new_build.run_until_idle().await.expect("a working store");
    assert_eq!(old_build.applied().await, [(1, 1)]);
    assert_eq!(old_build.inbox().await[&kept], State::Done);
}

#[tokio::test]
async fn a_panic_costs_an_attempt_and_nothing_else() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 1, Failure::Panic);
    reader.deliver(vec![envelope(1, 1), envelope(2, 1)]).await;
    assert_eq!(reader.applied().await, [(2, 1)]);
    reader.script.heal(1, 1);
    clock.advance(LONG);
    reader.settle().await;
    assert_eq!(reader.applied().await, [(2, 1), (1, 1)]);
}

#[tokio::test]
async fn an_action_runs_apart_from_the_delivery_and_repeats_its_key() {
    let clock = clock();
    let script = Arc::new(Script::default());
    let reader = Reader::with(&clock, vec![action("reader.act", &script)], script).await;
    reader.script.fail(1, 1, Failure::Times(1));
    let of_no_tenant = kernel::Envelope { tenant: None, ..envelope(2, 1) };
    reader.deliver(vec![envelope(1, 1), envelope(1, 2), of_no_tenant]).await;
    assert_eq!(reader.script.calls(), [], "not within the sender's call");
    reader.settle().await;
    clock.advance(LONG);
    reader.settle().await;
    reader.settle().await;
    let key = |counter, n| format!("event:{}/reader.act", envelope(counter, n).id);
    let mut calls: Vec<_> = reader
        .script
        .calls()
        .into_iter()
        .map(|call| (call.counter, call.n, call.attempt, call.key))
        .collect();
    calls.sort();
    let expected =
        [(1, 1, 1, key(1, 1)), (1, 1, 2, key(1, 1)), (1, 2, 1, key(1, 2)), (2, 1, 1, key(2, 1))];
    assert_eq!(calls, expected);
    let states = reader.inbox().await;
    assert!(states.values().all(|state| *state == State::Done), "{states:?}");
}

#[tokio::test]
async fn a_history_tells_every_attempt() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 1, Failure::Always);
    reader.deliver(vec![envelope(1, 1)]).await;
    for _ in 1..settings().max_attempts {
        clock.advance(LONG);
        reader.settle().await;
    }
    let id = events::DeadLetterId { event: envelope(1, 1).id, consumer: COUNT.to_owned() };
    let shown = reader.engine.dead_letters().show(&id).await.expect("a working store");
    let shown = shown.expect("the dead letter");
    let what: Vec<_> = shown.history.into_iter().map(|entry| entry.what).collect();
    let error = || "never".to_owned();
    let expected = [
        Happening::Failed { attempt: 1, error: error() },
        Happening::Failed { attempt: 2, error: error() },
        Happening::Parked { attempt: 3, error: error() },
    ];
    assert_eq!(what, expected);
    assert_eq!(shown.letter.event_type.as_deref(), Some("counter.counted"));
    assert_eq!(shown.envelope, serde_json::to_value(envelope(1, 1)).expect("JSON"));
}

#[tokio::test]
async fn a_hanging_effect_is_cut_off_and_the_rest_of_the_batch_goes_on() {
    let clock = clock();
    let script = Arc::new(Script::default());
    let store = crate::world::reading_store(&clock).await;
    let settings =
        events::EngineSettings { effect_time: std::time::Duration::from_secs(1), ..settings() };
    let bus = testing::RecordingBus::new();
    let consumers = vec![effect(COUNT, &script)];
    let engine = events::EventEngine::new(store.store(), consumers, bus, settings);
    script.fail(1, 1, Failure::Hang);
    let inbox = Client::Direct.of(engine.inbox());
    let batch = EventBatch { envelopes: vec![envelope(1, 1), envelope(2, 1)] };
    let receipt = inbox.deliver(&service_context(), batch).await.expect("a receipt");
    assert_eq!(receipt.taken.len(), 2);
    assert_eq!(applied_in(&store, COUNT).await, [(2, 1)]);
}

/// Who handles an event does so on behalf of its source, which is why not every program may name
/// every source.
#[tokio::test]
async fn a_program_delivers_events_of_its_own_modules_alone() {
    let reader = Reader::new(&clock()).await;
    let inbox = reader.engine.inbox();
    let source = envelope(1, 1).source;
    let from = |speaks_for| {
        let program = CallingProgram { name: "crm".to_owned(), speaks_for };
        service_context().with_program(Arc::new(program))
    };
    let only = |module: &str| from(SpeaksFor::Only([module.to_owned()].into()));
    let own = kernel::Envelope { source: "crm".to_owned(), ..envelope(1, 2) };

    let batch = EventBatch { envelopes: vec![own.clone(), envelope(1, 1)] };
    let refused = inbox.deliver(&only("crm"), batch).await.expect_err("the second is not its own");
    let program = "crm".to_owned();
    assert_eq!(refused, DeliveryError::ForeignSource { program, source_module: source.clone() });
    let failure = refused.into_failure("reader");
    let detail = format!("crm may not deliver events of {source}");
    assert_eq!(failure, CallFailure::incompatible("reader", detail));
    assert_eq!(reader.applied().await, [], "none was taken");
    assert!(reader.inbox().await.is_empty());

    let batch = |envelope| EventBatch { envelopes: vec![envelope] };
    inbox.deliver(&only("crm"), batch(own)).await.expect("its own");
    inbox.deliver(&only(&source), batch(envelope(1, 3))).await.expect("that module's own");
    inbox.deliver(&from(SpeaksFor::All), batch(envelope(1, 4))).await.expect("of any module");
    assert_eq!(reader.applied().await, [(1, 2), (1, 3), (1, 4)]);
}
