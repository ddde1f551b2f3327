//! A module that publishes `counter.counted`, and one that consumes it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use events::{Action, Consumer, Delivery, Effect, EngineSettings, EventEngine, HandlerError};
use kernel::{
    Aggregate, CallContext, CallId, Envelope, Event, EventId, ManualClock, Principal, TenantId,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait,
};
use seam::{CallFailure, DeliveryError, EventBatch, EventBus, EventInbox, Receipt};
use serde::{Deserialize, Serialize};
use storage::{SystemScope, TenantTx, tables::inbox};
use testing::{TestStore, noon, tenant_context};
use tokio::sync::{Notify, watch};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::entities::{Migrator, applied};

pub(crate) static TESTS: SystemScope =
    SystemScope { name: "tests", why: "a test looks at what is stored" };

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e));

/// A counter was counted up to `n`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Counted {
    pub(crate) counter: Uuid,
    pub(crate) n: i64,
}

impl Event for Counted {
    const TYPE: &'static str = "counter.counted";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("counter", self.counter, self.n)
    }
}

pub(crate) fn counted(counter: u128, n: i64) -> Counted {
    Counted { counter: Uuid::from_u128(counter), n }
}

/// As it comes from the module `counter`; each one has an id of its own.
pub(crate) fn envelope(counter: u128, n: i64) -> Envelope {
    let event = counted(counter, n);
    Envelope {
        id: EventId(Uuid::from_u128((counter << 64) + u128::from(n.unsigned_abs()))),
        event_type: Counted::TYPE.to_owned(),
        version: Counted::VERSION,
        source: "counter".to_owned(),
        tenant: Some(TENANT),
        aggregate: event.aggregate(),
        occurred_at: noon(),
        traceparent: None,
        payload: serde_json::to_value(event).expect("an event is JSON"),
    }
}

/// Deliveries are what they are without chance: every wait is within these bounds.
pub(crate) fn settings() -> EngineSettings {
    EngineSettings { max_attempts: 3, ..EngineSettings::default() }
}

/// How long a test waits for what is certain to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any wait between two attempts.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

pub(crate) async fn publishing_store(clock: &Arc<ManualClock>) -> TestStore {
    TestStore::builder("counter")
        .clock(Arc::clone(clock))
        .random_ids()
        .route(Counted::TYPE, "reader")
        .route(Counted::TYPE, "archive")
        .open::<Migrator>()
        .await
        .expect("a store")
}

pub(crate) async fn reading_store(clock: &Arc<ManualClock>) -> TestStore {
    TestStore::builder("reader")
        .clock(Arc::clone(clock))
        .random_ids()
        .open::<Migrator>()
        .await
        .expect("a store")
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(noon()))
}

pub(crate) async fn publish(store: &TestStore, events: &[Counted]) {
    for event in events {
        let tx = store.write(&tenant_context(TENANT)).await.expect("a transaction");
        tx.publish(event).await.expect("an outbox row");
        tx.commit().await.expect("a commit");
    }
}

/// What a handler was asked to do and how often it is to fail.
#[derive(Default)]
pub(crate) struct Script {
    failures: Mutex<HashMap<(u128, i64), Failure>>,
    calls: Mutex<Vec<Call>>,
    called: watch::Sender<usize>,
    /// What [`Failure::Gate`] waits for.
    pub(crate) gate: Notify,
}

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) counter: u128,
    pub(crate) n: i64,
    pub(crate) attempt: u32,
    pub(crate) key: String,
}

#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Times(u32),
    Always,
    Permanently,
    Panic,
    Hang,
    /// None: it goes on once the gate opens.
    Gate,
}

impl Script {
    pub(crate) fn fail(&self, counter: u128, n: i64, failure: Failure) {
        lock(&self.failures).insert((counter, n), failure);
    }

    pub(crate) fn heal(&self, counter: u128, n: i64) {
        lock(&self.failures).remove(&(counter, n));
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// Waits until handlers have been called so often.
    pub(crate) async fn reached(&self, calls: usize) {
        let mut called = self.called.subscribe();
        let reached = called.wait_for(|so_far| *so_far >= calls);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(matches!(reached, Ok(Ok(_))), "{calls} calls, and not {:?}", self.calls());
    }

    pub(crate) async fn follow(
        &self,
        ctx: &CallContext,
        event: &Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let at = (event.counter.as_u128(), event.n);
        lock(&self.calls).push(Call {
            counter: at.0,
            n: at.1,
            attempt: delivery.attempt,
            key: ctx.key().to_string(),
        });
        self.called.send_modify(|so_far| *so_far += 1);
        let failure = lock(&self.failures).get(&at).copied();
        match failure {
            None => Ok(()),
            Some(Failure::Times(0)) => Ok(()),
            Some(Failure::Times(left)) => {
                self.fail(at.0, at.1, Failure::Times(left - 1));
                Err(HandlerError::retry("not yet"))
            }
            Some(Failure::Always) => Err(HandlerError::retry("never")),
            Some(Failure::Permanently) => Err(HandlerError::permanent("no good")),
            Some(Failure::Panic) => panic!("out of cheese"),
            Some(Failure::Hang) => std::future::pending().await,
            Some(Failure::Gate) => {
                self.gate.notified().await;
                Ok(())
            }
        }
    }
}

/// Writes down what came, and only then does as its script says.
pub(crate) struct WriteDown {
    pub(crate) consumer: &'static str,
    pub(crate) script: Arc<Script>,
}

#[async_trait]
impl Effect<Counted> for WriteDown {
    async fn apply(
        &self,
        tx: &TenantTx,
        ctx: &CallContext,
        event: Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let row = applied::ActiveModel {
            seq: NotSet,
            tenant_id: NotSet,
            consumer: Set(self.consumer.to_owned()),
            counter: Set(event.counter),
            n: Set(event.n),
        };
        tx.insert(row).await?;
        self.script.follow(ctx, &event, delivery).await
    }
}

/// Does as its script says.
pub(crate) struct Act(pub(crate) Arc<Script>);

#[async_trait]
impl Action<Counted> for Act {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        self.0.follow(ctx, &event, delivery).await
    }
}

pub(crate) fn effect(name: &'static str, script: &Arc<Script>) -> Consumer {
    let effect = WriteDown { consumer: name, script: Arc::clone(script) };
    Consumer::effect::<Counted>(name, Arc::new(effect))
}

pub(crate) fn action(name: &'static str, script: &Arc<Script>) -> Consumer {
    Consumer::action::<Counted>(name, Arc::new(Act(Arc::clone(script))))
}

/// A module that consumes, with a script for its one effect.
pub(crate) struct Reader {
    pub(crate) store: TestStore,
    pub(crate) engine: Arc<EventEngine>,
    pub(crate) script: Arc<Script>,
}

impl Reader {
    pub(crate) async fn new(clock: &Arc<ManualClock>) -> Self {
        let script = Arc::new(Script::default());
        Self::with(clock, vec![effect("reader.count", &script)], script).await
    }

    pub(crate) async fn with(
        clock: &Arc<ManualClock>,
        consumers: Vec<Consumer>,
        script: Arc<Script>,
    ) -> Self {
        let store = reading_store(clock).await;
        let bus = testing::RecordingBus::new();
        let engine = EventEngine::new(store.store(), consumers, bus, settings());
        Self { store, engine, script }
    }

    pub(crate) async fn deliver(&self, envelopes: Vec<Envelope>) -> Receipt {
        let ctx = service_context();
        let delivered = self.engine.inbox().deliver(&ctx, EventBatch { envelopes }).await;
        delivered.expect("a receipt")
    }

    pub(crate) async fn applied(&self) -> Vec<(u128, i64)> {
        applied_in(&self.store, "reader.count").await
    }

    pub(crate) async fn inbox(&self) -> BTreeMap<(String, i64), inbox::State> {
        inbox_of(&self.store).await
    }

    pub(crate) async fn settle(&self) {
        self.engine.run_until_idle().await.expect("a working store");
    }
}

/// What the effects of `consumer` left behind, in the order of their commits.
pub(crate) async fn applied_in(store: &TestStore, consumer: &str) -> Vec<(u128, i64)> {
    let reader = store.read(&tenant_context(TENANT)).expect("a tenant");
    let rows = reader
        .find::<applied::Entity>()
        .filter(applied::Column::Consumer.eq(consumer))
        .order_by_asc(applied::Column::Seq)
        .all()
        .await
        .expect("the effects");
    rows.into_iter().map(|row| (row.counter.as_u128(), row.n)).collect()
}

/// The state of each (consumer, n).
pub(crate) async fn inbox_of(store: &TestStore) -> BTreeMap<(String, i64), inbox::State> {
    let rows = store.system(&TESTS).find::<inbox::Entity>().all().await.expect("the inbox");
    let n = |row: &inbox::Model| i64::try_from(row.event_id.as_u128() & 0xffff).unwrap_or_default();
    rows.into_iter().map(|row| ((row.consumer.clone(), n(&row)), row.state)).collect()
}

pub(crate) fn service_context() -> CallContext {
    let principal = Principal::service("counter");
    CallContext::new(principal, CallId::random(), Duration::from_secs(30))
}

/// Leads to inboxes in this process.
#[derive(Default)]
pub(crate) struct DirectBus(pub(crate) HashMap<String, Arc<dyn EventInbox>>);

impl DirectBus {
    pub(crate) fn to(destination: &str, inbox: Arc<dyn EventInbox>) -> Arc<Self> {
        Arc::new(Self(HashMap::from([(destination.to_owned(), inbox)])))
    }
}

#[async_trait]
impl EventBus for DirectBus {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        let inbox = self.0.get(destination).ok_or_else(|| CallFailure::unavailable(destination))?;
        let delivered = inbox.deliver(&service_context(), EventBatch { envelopes }).await;
        delivered.map_err(|DeliveryError::Call(failure)| failure)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
