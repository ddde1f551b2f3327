//! Several engines on one store, and engines that die.

use std::sync::Arc;

use async_trait::async_trait;
use events::EventEngine;
use kernel::Envelope;
use seam::{CallFailure, EventBus, Receipt};
use storage::tables::inbox::State;
use testing::RecordingBus;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    script::{Failure, Script, action, effect},
    world::{
        Counted, DirectBus, LONG, PATIENCE, Reader, clock, counted, envelope, publish,
        publishing_store, settings,
    },
};

/// Says when it is asked, and waits for a sign before it goes on.
struct Paused {
    asked: Notify,
    go_on: Notify,
    onward: Arc<DirectBus>,
}

#[async_trait]
impl EventBus for Paused {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        if destination == "reader" {
            self.asked.notify_one();
            self.go_on.notified().await;
        }
        self.onward.publish(destination, envelopes).await
    }
}

#[tokio::test]
async fn a_relay_that_slept_past_its_lease_breaks_nothing() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let store = publishing_store(&clock).await;
    let onward = DirectBus::to("reader", reader.engine.inbox());
    let paused = Arc::new(Paused {
        asked: Notify::new(),
        go_on: Notify::new(),
        onward: Arc::clone(&onward),
    });
    let sleeper = EventEngine::new(store.store(), Vec::new(), paused.clone(), settings());
    let other = EventEngine::new(store.store(), Vec::new(), onward, settings());
    publish(&store, &[counted(1, 1), counted(1, 2)]).await;
    let asleep = tokio::spawn(async move { sleeper.run_until_idle().await });
    paused.asked.notified().await;

    other.run_until_idle().await.expect("a working store");
    assert_eq!(reader.applied().await, [], "the lanes are the sleeper's");
    clock.advance(settings().lease);
    publish(&store, &[counted(1, 3)]).await;
    other.run_until_idle().await.expect("a working store");
    assert_eq!(reader.applied().await, [(1, 1), (1, 2), (1, 3)]);

    publish(&store, &[counted(1, 4)]).await;
    paused.go_on.notify_one();
    // Should the sleeper ask again, it may go on.
    paused.go_on.notify_one();
    let done = tokio::time::timeout(PATIENCE, asleep).await.expect("in time").expect("no panic");
    done.expect("a working store");
    other.run_until_idle().await.expect("a working store");
    assert_eq!(reader.applied().await, [(1, 1), (1, 2), (1, 3), (1, 4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_at_once_bring_each_event_once_and_in_order() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let store = publishing_store(&clock).await;
    let stop = CancellationToken::new();
    let relays: Vec<_> = (0..2)
        .map(|_| {
            let bus = DirectBus::to("reader", reader.engine.inbox());
            let engine = EventEngine::new(store.store(), Vec::new(), bus, settings());
            tokio::spawn(engine.run(stop.clone()))
        })
        .collect();
    let events: Vec<Counted> =
        (1..=10).flat_map(|n| (0..20).map(move |counter| counted(counter, n))).collect();
    for part in events.chunks(20) {
        publish(&store, part).await;
        tokio::task::yield_now().await;
    }
    reader.script.reached(events.len()).await;
    stop.cancel();
    for relay in relays {
        tokio::time::timeout(PATIENCE, relay).await.expect("in time").expect("no panic");
    }
    let applied = reader.applied().await;
    assert_eq!(applied.len(), events.len());
    for counter in 0..20 {
        let of_counter: Vec<i64> =
            applied.iter().filter(|(c, _)| *c == counter).map(|(_, n)| *n).collect();
        assert_eq!(of_counter, (1..=10).collect::<Vec<_>>(), "counter {counter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_once_handle_each_event_once() {
    let clock = clock();
    let (effects, actions) = (Arc::new(Script::default()), Arc::new(Script::default()));
    let consumers = || vec![effect("reader.count", &effects), action("reader.act", &actions)];
    let reader = Reader::with(&clock, consumers(), Arc::clone(&effects)).await;
    for counter in 0..60 {
        effects.fail(counter, 1, Failure::Times(1));
    }
    reader.deliver((0..60).map(|counter| envelope(counter, 1)).collect()).await;
    clock.advance(LONG);
    let other =
        EventEngine::new(reader.store.store(), consumers(), RecordingBus::new(), settings());
    let workers = [Arc::clone(&reader.engine), other]
        .map(|engine| tokio::spawn(async move { engine.run_until_idle().await }));
    for worker in workers {
        worker.await.expect("no panic").expect("a working store");
    }
    let mut applied = reader.applied().await;
    applied.sort_unstable();
    assert_eq!(applied, (0..60).map(|counter| (counter, 1)).collect::<Vec<_>>());
    assert_eq!(actions.calls().len(), 60);
}

#[tokio::test]
async fn a_relay_that_stops_gives_its_lanes_to_the_next() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let store = publishing_store(&clock).await;
    let engine = || {
        let bus = DirectBus::to("reader", reader.engine.inbox());
        EventEngine::new(store.store(), Vec::new(), bus, settings())
    };
    let stop = CancellationToken::new();
    let first = tokio::spawn(engine().run(stop.clone()));
    publish(&store, &[counted(1, 1)]).await;
    reader.script.reached(1).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, first).await.expect("in time").expect("no panic");
    publish(&store, &[counted(1, 2)]).await;
    engine().run_until_idle().await.expect("a working store");
    assert_eq!(reader.applied().await, [(1, 1), (1, 2)]);
}

/// Starts the action of the one waiting event, and ends the process in the midst of it.
async fn die_in_action(engine: &Arc<EventEngine>, script: &Script, calls: usize) {
    let engine = Arc::clone(engine);
    let dying = tokio::spawn(async move { engine.run_until_idle().await });
    script.reached(calls).await;
    dying.abort();
    assert!(dying.await.expect_err("aborted").is_cancelled());
}

#[tokio::test]
async fn an_action_that_was_cut_off_is_performed_again() {
    let clock = clock();
    let script = Arc::new(Script::default());
    let reader = Reader::with(&clock, vec![action("reader.act", &script)], script).await;
    reader.script.fail(1, 1, Failure::Hang);
    reader.deliver(vec![envelope(1, 1)]).await;
    die_in_action(&reader.engine, &reader.script, 1).await;
    reader.script.heal(1, 1);
    reader.settle().await;
    assert_eq!(reader.script.calls().len(), 1, "it may still be at work elsewhere");
    clock.advance(settings().lease);
    reader.settle().await;
    let attempts: Vec<u32> = reader.script.calls().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2]);
    assert!(reader.inbox().await.values().all(|state| *state == State::Done));
}

/// Only a file has one owner.
mod sqlite {
    use super::*;

    #[tokio::test]
    async fn a_new_process_takes_over_at_once_where_there_can_be_no_other() {
        let clock = clock();
        let store = publishing_store(&clock).await;
        let script = Arc::new(Script::default());
        let reader = Reader::with(&clock, vec![action("reader.act", &script)], script).await;
        let publisher = || {
            let bus = DirectBus::to("reader", reader.engine.inbox());
            EventEngine::new(store.store(), Vec::new(), bus, settings())
        };
        reader.script.fail(1, 1, Failure::Hang);
        publish(&store, &[counted(1, 1)]).await;
        // It ends without a word: its lanes and its claim are left behind.
        publisher().run_until_idle().await.expect("a working store");
        die_in_action(&reader.engine, &reader.script, 1).await;
        reader.script.heal(1, 1);

        publish(&store, &[counted(2, 1)]).await;
        let stop = CancellationToken::new();
        let engines = [publisher(), Arc::clone(&reader.engine)];
        let running = engines.map(|engine| tokio::spawn(engine.run(stop.clone())));
        reader.script.reached(3).await;
        stop.cancel();
        for engine in running {
            tokio::time::timeout(PATIENCE, engine).await.expect("in time").expect("no panic");
        }
        assert!(reader.inbox().await.values().all(|state| *state == State::Done));
    }
}

#[tokio::test]
async fn an_action_that_kills_its_process_each_time_is_parked() {
    let clock = clock();
    let script = Arc::new(Script::default());
    let reader = Reader::with(&clock, vec![action("reader.act", &script)], script).await;
    reader.script.fail(1, 1, Failure::Hang);
    reader.deliver(vec![envelope(1, 1), envelope(1, 2)]).await;
    for attempt in 1..=settings().max_attempts {
        die_in_action(&reader.engine, &reader.script, attempt as usize).await;
        clock.advance(settings().lease);
    }
    reader.settle().await;
    let of_the_killer = reader.script.calls().iter().filter(|call| call.n == 1).count();
    assert_eq!(of_the_killer, settings().max_attempts as usize);
    let states: Vec<State> = reader.inbox().await.into_values().collect();
    assert_eq!(states, [State::Dead, State::Done]);
}
