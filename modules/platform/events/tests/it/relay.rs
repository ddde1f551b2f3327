//! Sending: in order, and to each destination as if it were the only one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use events::{Backlog, EngineSettings, EventEngine};
use kernel::{Clock as _, Envelope};
use seam::{CallFailure, EventBus, Receipt};
use storage::tables::outbox;
use testing::{RecordingBus, TestStore};

use crate::world::{
    Counted, LONG, TESTS, clock, counted, lock, publish, publishing_store, settings,
};

fn engine(store: &TestStore, bus: Arc<dyn EventBus>) -> Arc<EventEngine> {
    EventEngine::new(store.store(), Vec::new(), bus, settings())
}

/// Reads more at once than it sends.
fn engine_with_batches_of(
    batch: u32,
    store: &TestStore,
    bus: Arc<dyn EventBus>,
) -> Arc<EventEngine> {
    let settings = EngineSettings { batch, ..settings() };
    EventEngine::new(store.store(), Vec::new(), bus, settings)
}

fn waiting(backlog: &Backlog) -> Vec<(&str, u64)> {
    backlog.outbox.iter().map(|b| (b.destination.as_str(), b.waiting)).collect()
}

#[tokio::test]
async fn each_destination_gets_each_event_once_and_in_order() {
    let store = publishing_store(&clock()).await;
    let events: Vec<Counted> =
        (1..=250).map(|n| counted(u128::from(n % 3 == 0), n.into())).collect();
    publish(&store, &events).await;
    let bus = RecordingBus::new();
    let engine = engine(&store, bus.clone());
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(bus.events::<Counted>("reader"), events);
    assert_eq!(bus.events::<Counted>("archive"), events);
    let sent = bus.published().len();
    assert_eq!(engine.run_until_idle().await.expect("a working store"), 0);
    assert_eq!(bus.published().len(), sent);
    assert!(engine.backlog().await.expect("a working store").outbox.is_empty());
}

/// A sealed secret must not stay with its sender when it has been delivered.
#[tokio::test]
async fn what_was_sent_is_forgotten() {
    let store = publishing_store(&clock()).await;
    publish(&store, &[counted(1, 1)]).await;
    let rows = async || {
        store.system(&TESTS).find::<outbox::Entity>().all().await.expect("a working store")
    };
    assert!(rows().await.iter().all(|row| row.envelope().is_ok()), "it waits to be sent");
    engine(&store, RecordingBus::new()).run_until_idle().await.expect("a working store");
    let rows = rows().await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.envelope.is_null()), "{rows:?}");
}

#[tokio::test]
async fn an_envelope_tells_where_it_comes_from() {
    let store = publishing_store(&clock()).await;
    publish(&store, &[counted(1, 1)]).await;
    let bus = RecordingBus::new();
    engine(&store, bus.clone()).run_until_idle().await.expect("a working store");
    let envelope = bus.published().remove(0).envelope;
    assert_eq!(envelope.source, "counter");
    assert_eq!(envelope.tenant, Some(crate::world::TENANT));
    assert!(envelope.traceparent.is_some());
}

#[tokio::test]
async fn a_destination_that_is_down_holds_up_no_other_and_loses_nothing() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let bus = RecordingBus::new();
    let engine = engine(&store, bus.clone());
    bus.fail("archive", CallFailure::unavailable("archive"));
    // More than a batch, so that what is stuck could crowd out the rest.
    let events: Vec<Counted> = (1..=150).map(|n| counted(n, 1)).collect();
    publish(&store, &events).await;
    for _ in 0..5 {
        engine.run_until_idle().await.expect("a working store");
        clock.advance(LONG);
    }
    assert_eq!(bus.events::<Counted>("reader"), events);
    assert_eq!(bus.events::<Counted>("archive"), []);
    let backlog = engine.backlog().await.expect("a working store");
    assert_eq!(waiting(&backlog), [("archive", 150)]);
    assert!(backlog.outbox[0].failing_since.is_some());
    bus.heal("archive");
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(bus.events::<Counted>("archive"), events);
}

#[tokio::test]
async fn a_destination_that_is_down_is_tried_now_and_then() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let bus = RecordingBus::new();
    let engine = engine(&store, bus.clone());
    for destination in ["reader", "archive"] {
        bus.fail(destination, CallFailure::unavailable(destination));
    }
    publish(&store, &[counted(1, 1)]).await;
    for attempts in 1..=3 {
        for _ in 0..5 {
            engine.run_until_idle().await.expect("a working store");
        }
        assert_eq!(bus.attempts("reader"), attempts);
        clock.advance(LONG);
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_holds_nothing_up() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let bus = RecordingBus::new();
    let engine = engine(&store, bus.clone());
    let right = clock.now();
    clock.advance(LONG);
    bus.fail("reader", CallFailure::unavailable("reader"));
    publish(&store, &[counted(1, 1)]).await;
    engine.run_until_idle().await.expect("a working store");
    assert_eq!(bus.events::<Counted>("archive"), [counted(1, 1)], "its lane is leased");

    clock.set(right);
    bus.heal("reader");
    publish(&store, &[counted(1, 2)]).await;
    engine.run_until_idle().await.expect("a working store");
    for destination in ["archive", "reader"] {
        assert_eq!(bus.events::<Counted>(destination), [counted(1, 1), counted(1, 2)]);
    }
}

/// Breaks on every batch that holds a certain event, and takes the others.
struct Fragile {
    breaks_on: Counted,
    failure: CallFailure,
    taken: Mutex<Vec<Counted>>,
}

#[async_trait]
impl EventBus for Fragile {
    async fn publish(
        &self,
        _destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        let events: Vec<Counted> =
            envelopes.iter().map(|e| e.decode().expect("our own event")).collect();
        if events.contains(&self.breaks_on) {
            return Err(self.failure.clone());
        }
        lock(&self.taken).extend(events);
        Ok(Receipt { taken: envelopes.iter().map(|envelope| envelope.id).collect() })
    }
}

#[tokio::test]
async fn an_event_that_breaks_its_receiver_holds_up_its_own_key_alone() {
    for (batch, failure) in [
        (100, CallFailure::outcome_unknown("reader")),
        (100, CallFailure::deadline_exceeded("reader")),
        (100, CallFailure::incompatible("reader", "no such thing")),
        (7, CallFailure::outcome_unknown("reader")),
        (1, CallFailure::outcome_unknown("reader")),
    ] {
        let clock = clock();
        let store = TestStore::builder("counter")
            .clock(Arc::clone(&clock))
            .random_ids()
            .route("counter.counted", "reader")
            .open::<crate::entities::Migrator>()
            .await
            .expect("a store");
        let events: Vec<Counted> =
            (1..=4).flat_map(|n| (1..=10).map(move |counter| counted(counter, n))).collect();
        publish(&store, &events).await;
        let breaks_on = counted(3, 2);
        let bus =
            Arc::new(Fragile { breaks_on: breaks_on.clone(), failure, taken: Mutex::default() });
        let engine = engine_with_batches_of(batch, &store, bus.clone());
        for _ in 0..30 {
            engine.run_until_idle().await.expect("a working store");
            clock.advance(LONG);
        }
        let taken = lock(&bus.taken).clone();
        for counter in 1..=10 {
            let of_counter: Vec<i64> = taken
                .iter()
                .filter(|event| event.counter.as_u128() == counter)
                .map(|event| event.n)
                .collect();
            let expected: &[i64] = if counter == 3 { &[1] } else { &[1, 2, 3, 4] };
            assert_eq!(of_counter, expected, "counter {counter}");
        }
        let backlog = engine.backlog().await.expect("a working store");
        assert_eq!(waiting(&backlog), [("reader", 3)]);
    }
}

/// Takes the first envelope of a batch and leaves the rest.
#[derive(Default)]
struct OneAtATime(Mutex<Vec<Counted>>);

#[async_trait]
impl EventBus for OneAtATime {
    async fn publish(
        &self,
        _destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        lock(&self.0).push(envelopes[0].decode().expect("our own event"));
        Ok(Receipt { taken: vec![envelopes[0].id] })
    }
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_in_order() {
    for batch in [100, 2, 1] {
        let clock = clock();
        let store = publishing_store(&clock).await;
        let events: Vec<Counted> = (1..=5).map(|n| counted(1, n)).collect();
        publish(&store, &events).await;
        let bus = Arc::new(OneAtATime::default());
        let engine = engine_with_batches_of(batch, &store, bus.clone());
        for _ in 0..events.len() {
            engine.run_until_idle().await.expect("a working store");
            clock.advance(LONG);
        }
        let both = |event: &Counted| [event.clone(), event.clone()];
        let taken = lock(&bus.0).clone();
        // For each of two destinations, in whatever order these were looked after.
        let mut sorted = taken.clone();
        sorted.sort_by_key(|event| event.n);
        assert_eq!(sorted, events.iter().flat_map(both).collect::<Vec<_>>());
        assert!(engine.backlog().await.expect("a working store").outbox.is_empty());
    }
}

/// Writes one more event for each of the first batches, and takes all.
struct Busy {
    store: TestStore,
    taken: Mutex<BTreeMap<String, Vec<i64>>>,
    written: AtomicI64,
}

#[async_trait]
impl EventBus for Busy {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        if self.written.load(Ordering::Relaxed) < 50 {
            let n = self.written.fetch_add(1, Ordering::Relaxed) + 1;
            publish(&self.store, &[counted(1, n)]).await;
        }
        let events = envelopes.iter().map(|e| e.decode::<Counted>().expect("our own event").n);
        lock(&self.taken).entry(destination.to_owned()).or_default().extend(events);
        Ok(Receipt { taken: envelopes.iter().map(|envelope| envelope.id).collect() })
    }
}

#[tokio::test]
async fn what_is_written_meanwhile_is_sent_too_and_in_order() {
    let store = publishing_store(&clock()).await;
    let events: Vec<Counted> = (1..=30).map(|n| counted(1, n)).collect();
    publish(&store, &events).await;
    let inner = store.store();
    let written = AtomicI64::new(30);
    let bus = Arc::new(Busy { store, taken: Mutex::default(), written });
    let settings = EngineSettings { batch: 2, ..settings() };
    let engine = EventEngine::new(inner, Vec::new(), bus.clone(), settings);
    engine.run_until_idle().await.expect("a working store");
    let all = Vec::from_iter(1..=50);
    for destination in ["archive", "reader"] {
        assert_eq!(lock(&bus.taken)[destination], all, "{destination}");
    }
}
