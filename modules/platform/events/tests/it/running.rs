//! An engine that runs. It looks by itself but once an hour here: what happens sooner, it was
//! woken for.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use events::{EngineSettings, EventEngine};
use kernel::Envelope;
use sea_orm::ActiveValue::Set;
use seam::{CallFailure, EventBus, Receipt};
use storage::tables::{inbox::State, scheduled};
use testing::{RecordingBus, tenant_context};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    script::{Failure, Script, action, effect},
    world::{
        DirectBus, PATIENCE, Reader, TENANT, TESTS, clock, counted, envelope, publish,
        publishing_store, settings,
    },
};

fn seldom() -> EngineSettings {
    EngineSettings { poll: Duration::from_secs(3600), ..settings() }
}

/// An engine at work, until it is stopped.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(engine: &Arc<EventEngine>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(engine).run(stop.clone()));
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("in time").expect("no panic");
    }
}

async fn acting_reader(settings: EngineSettings) -> (Reader, Arc<EventEngine>) {
    let script = Arc::new(Script::default());
    let reader = Reader::with(&clock(), Vec::new(), Arc::clone(&script)).await;
    let consumers = vec![action("reader.act", &script)];
    let engine = EventEngine::new(reader.store.store(), consumers, RecordingBus::new(), settings);
    (Reader { engine: Arc::clone(&engine), ..reader }, engine)
}

#[tokio::test]
async fn a_commit_wakes_the_relay() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let store = publishing_store(&clock).await;
    let bus = DirectBus::to("reader", reader.engine.inbox());
    let engine = EventEngine::new(store.store(), Vec::new(), bus, seldom());
    let running = Running::start(&engine);
    for n in 1..=50 {
        publish(&store, &[counted(1, n)]).await;
        reader.script.reached(usize::try_from(n).expect("small")).await;
    }
    running.stop().await;
    assert_eq!(reader.applied().await, (1..=50).map(|n| (1, n)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_delivery_wakes_the_actions() {
    let (reader, engine) = acting_reader(seldom()).await;
    let running = Running::start(&engine);
    for n in 1..=20 {
        reader.deliver(vec![envelope(1, n), envelope(2, n)]).await;
        // Once nothing is left to do, nothing but the delivery wakes it.
        while engine.backlog().await.expect("a working store").pending > 0 {
            tokio::task::yield_now().await;
        }
    }
    reader.script.reached(40).await;
    running.stop().await;
    let calls = reader.script.calls();
    let of_one: Vec<i64> = calls.iter().filter(|c| c.counter == 1).map(|c| c.n).collect();
    assert_eq!(of_one, (1..=20).collect::<Vec<_>>());
    assert!(reader.inbox().await.values().all(|state| *state == State::Done));
}

#[tokio::test]
async fn what_is_scheduled_for_now_happens_now() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let script = Arc::new(Script::default());
    let consumers = vec![effect("counter.own", &script)];
    let engine = EventEngine::new(store.store(), consumers, RecordingBus::new(), seldom());
    let running = Running::start(&engine);
    for n in 1..=10 {
        let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
        let due = store.store().clock().now();
        tx.schedule(due, &n.to_string(), &counted(1, n)).await.expect("a row");
        tx.commit().await.expect("a commit");
        script.reached(usize::try_from(n).expect("small")).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_of_the_schedule_holds_up_no_relay() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let store = publishing_store(&clock).await;
    let unreadable = scheduled::ActiveModel {
        id: Set(uuid::Uuid::from_u128(1)),
        dedup_key: Set("-/1".to_owned()),
        tenant_id: Set(None),
        due_at: Set(testing::noon().into()),
        envelope: Set(serde_json::Value::Null),
        created_at: Set(testing::noon().into()),
    };
    let tx = store.system_write(&TESTS).await.expect("a transaction");
    tx.insert(unreadable).await.expect("a row");
    tx.commit().await.expect("a commit");
    let bus = DirectBus::to("reader", reader.engine.inbox());
    let engine = EventEngine::new(store.store(), Vec::new(), bus, seldom());
    let running = Running::start(&engine);
    publish(&store, &[counted(1, 1)]).await;
    reader.script.reached(1).await;
    running.stop().await;
}

/// Leads to `reader`; no other destination ever answers.
struct Tar(Arc<DirectBus>);

#[async_trait]
impl EventBus for Tar {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        if destination == "reader" {
            return self.0.publish(destination, envelopes).await;
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_destination_that_never_answers_holds_up_no_other() {
    let clock = clock();
    let store = publishing_store(&clock).await;
    let reader = Reader::new(&clock).await;
    let bus = Arc::new(Tar(DirectBus::to("reader", reader.engine.inbox())));
    let settings = EngineSettings { drain: Duration::from_millis(10), ..seldom() };
    let engine = EventEngine::new(store.store(), Vec::new(), bus, settings);
    let running = Running::start(&engine);
    for n in 1..=5 {
        publish(&store, &[counted(1, n)]).await;
        reader.script.reached(usize::try_from(n).expect("small")).await;
    }
    running.stop().await;
    let backlog = engine.backlog().await.expect("a working store");
    let waiting: Vec<_> =
        backlog.outbox.iter().map(|b| (b.destination.as_str(), b.waiting)).collect();
    assert_eq!(waiting, [("archive", 5)]);
}

#[tokio::test]
async fn an_action_that_hangs_holds_up_no_other_key() {
    let (reader, engine) =
        acting_reader(EngineSettings { drain: Duration::from_millis(10), ..seldom() }).await;
    reader.script.fail(1, 1, Failure::Hang);
    let running = Running::start(&engine);
    reader.deliver(vec![envelope(1, 1), envelope(1, 2), envelope(2, 1), envelope(3, 1)]).await;
    reader.script.reached(3).await;
    running.stop().await;
    assert!(reader.script.calls().iter().all(|call| (call.counter, call.n) != (1, 2)));
}

#[tokio::test]
async fn a_stop_waits_for_what_is_in_hand_and_starts_nothing_new() {
    let (reader, engine) = acting_reader(seldom()).await;
    reader.script.fail(1, 1, Failure::Gate);
    let running = Running::start(&engine);
    reader.deliver(vec![envelope(1, 1), envelope(1, 2)]).await;
    reader.script.reached(1).await;
    running.stop.cancel();
    reader.script.gate.notify_one();
    running.stop().await;
    let states: Vec<State> = reader.inbox().await.into_values().collect();
    assert_eq!(states, [State::Done, State::Pending]);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let settings = EngineSettings { drain: Duration::from_millis(10), ..seldom() };
    let (reader, engine) = acting_reader(settings).await;
    reader.script.fail(1, 1, Failure::Hang);
    let running = Running::start(&engine);
    reader.deliver(vec![envelope(1, 1)]).await;
    reader.script.reached(1).await;
    running.stop().await;
    assert!(reader.inbox().await.values().all(|state| *state == State::Pending));
}
