//! A module that publishes `counter.counted`, and one that consumes it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use events::{Consumer, EngineSettings, EventEngine};
use kernel::{
    Aggregate, CallContext, CallId, Envelope, Event, EventId, ManualClock, Principal, TenantId,
};
use sea_orm::ColumnTrait;
use seam::{CallFailure, EventBatch, EventBus, EventInbox, Receipt};
use serde::{Deserialize, Serialize};
use storage::{SystemScope, tables::inbox};
use telemetry::metrics::testing::Gathered;
use testing::{TestStore, noon, tenant_context};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    entities::{Migrator, applied},
    script::{Script, effect},
};

pub(crate) static TESTS: SystemScope =
    SystemScope { name: "tests", why: "a test looks at what is stored" };

pub(crate) static DAMAGE: SystemScope =
    SystemScope { name: "test.damage", why: "a test spoils a row as nobody should" };

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

/// How many deliveries to `consumer` were counted as parked.
pub(crate) fn parked(gathered: &Gathered, consumer: &str) -> Option<f64> {
    let series = [("messaging.consumer.group.name", consumer), ("outcome", "parked")];
    gathered.sum("ashlar.inbox.deliveries", &series)
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
        delivered.map_err(|error| error.into_failure(destination))
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
