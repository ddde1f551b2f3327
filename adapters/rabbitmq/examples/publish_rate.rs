//! How many events a second go to a quorum queue with confirms, in batches as a relay sends them,
//! and how many come out of it: `ASHLAR_TEST_RABBITMQ=amqp://… cargo run --release -p rabbitmq
//! --example publish_rate`.

use std::{
    collections::HashSet,
    error::Error,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use kernel::{Aggregate, CallContext, Envelope, EventId, Secret, TenantId};
use rabbitmq::{RabbitBroker, RabbitConfig};
use seam::{DeliveryError, EventBatch, EventBus, EventFeed, EventInbox, Receipt};
use tokio::{runtime::Handle, sync::Notify};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const EVENTS: usize = 20_000;

/// Takes everything at once.
#[derive(Default)]
struct Counter {
    taken: AtomicUsize,
    batches: AtomicUsize,
    all: Notify,
}

#[async_trait]
impl EventInbox for Counter {
    async fn deliver(
        &self,
        _ctx: &CallContext,
        batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        let taken: Vec<EventId> = batch.envelopes.iter().map(|envelope| envelope.id).collect();
        self.batches.fetch_add(1, Ordering::Relaxed);
        if self.taken.fetch_add(taken.len(), Ordering::Relaxed) + taken.len() >= EVENTS {
            self.all.notify_one();
        }
        Ok(Receipt { taken })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = RabbitConfig::new(Secret::new(testing::rabbitmq_url()));
    config.prefix = format!("bench-{}", Uuid::now_v7().simple());
    let broker = RabbitBroker::new(config, Handle::current())?;
    declare(&broker).await;
    let mut out = std::io::stdout();
    writeln!(out, "{} bytes a message", serde_json::to_vec(&envelope(0))?.len())?;
    for (batch, events) in [(1, 1_000), (10, 5_000), (100, EVENTS), (500, EVENTS)] {
        let took = publish(&broker, batch, events).await?;
        writeln!(out, "publishing, batches of {batch}: {}", rate(events, took))?;
        let (took, batches) = consume(&broker, events).await;
        let size = events / batches.max(1);
        writeln!(out, "consuming, {size} at once on average: {}", rate(events, took))?;
    }
    let counter = Arc::<Counter>::default();
    let (feed, stop) = start(&broker, &counter);
    let began = Instant::now();
    publish(&broker, 100, EVENTS).await?;
    counter.all.notified().await;
    writeln!(out, "both at once, batches of 100: {}", rate(EVENTS, began.elapsed()))?;
    stop.cancel();
    feed.await?;
    writeln!(out, "delete the exchanges and queues that begin with `bench-` when you are done")?;
    Ok(())
}

/// The feed of a module declares its queue.
async fn declare(broker: &Arc<RabbitBroker>) {
    let (feed, stop) = start(broker, &Arc::default());
    while !broker.state().feeds.get("reader").is_some_and(|feed| feed.consuming) {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    // Its end says nothing that is asked here.
    let _ = feed.await;
}

fn start(
    broker: &Arc<RabbitBroker>,
    counter: &Arc<Counter>,
) -> (tokio::task::JoinHandle<()>, CancellationToken) {
    let (broker, counter, stop) =
        (Arc::clone(broker), Arc::clone(counter), CancellationToken::new());
    let stopped = stop.clone();
    (tokio::spawn(async move { broker.feed("reader", counter, stopped).await }), stop)
}

async fn publish(
    broker: &RabbitBroker,
    batch: usize,
    events: usize,
) -> Result<Duration, Box<dyn Error>> {
    let all: Vec<Envelope> = (0..events).map(envelope).collect();
    let began = Instant::now();
    for envelopes in all.chunks(batch) {
        let receipt = broker.publish("reader", envelopes.to_vec()).await?;
        let taken: HashSet<EventId> = receipt.taken.into_iter().collect();
        assert_eq!(taken.len(), envelopes.len(), "all are taken");
    }
    Ok(began.elapsed())
}

async fn consume(broker: &Arc<RabbitBroker>, events: usize) -> (Duration, usize) {
    let counter = Arc::<Counter>::default();
    counter.taken.store(EVENTS - events, Ordering::Relaxed);
    let (feed, stop) = start(broker, &counter);
    let began = Instant::now();
    counter.all.notified().await;
    let took = began.elapsed();
    stop.cancel();
    let _ = feed.await;
    (took, counter.batches.load(Ordering::Relaxed))
}

fn rate(events: usize, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let events = f64::from(u32::try_from(events).unwrap_or(u32::MAX));
    format!("{:.0} events/s", events / seconds)
}

fn envelope(n: usize) -> Envelope {
    let version = i64::try_from(n).unwrap_or(i64::MAX);
    Envelope {
        id: EventId(Uuid::now_v7()),
        event_type: "billing.invoice_paid".to_owned(),
        version: 1,
        source: "billing".to_owned(),
        tenant: Some(TenantId(Uuid::from_u128(1))),
        aggregate: Aggregate::new("invoice", Uuid::from_u128((n % 64) as u128), version),
        occurred_at: testing::noon(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        payload: serde_json::json!({ "amount": 1999, "currency": "EUR", "number": version }),
    }
}
