//! The way of an event: committed with its change, relayed to RabbitMQ, brought to another module,
//! and taken there together with its effect.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use events::{Consumer, Delivery, Effect, EngineSettings, EventEngine, HandlerError};
use kernel::{Aggregate, CallContext, Event, RandomIds, SystemClock, TenantId, Timestamp};
use rabbitmq::{RabbitBroker, RabbitConfig};
use sea_orm::ActiveValue::Set;
use seam::EventFeed;
use serde::{Deserialize, Serialize};
use storage::TenantTx;
use tokio::{
    runtime::Handle,
    sync::Notify,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Options,
    finding::Finding,
    load::{self, percentile},
    tables::note,
    world::{World, context},
};

/// Things that events are about: so many can be handled beside each other.
const AGGREGATES: usize = 1_000;

/// Longer than all events together may take.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn measure(options: &Options) -> Result<Vec<Finding>> {
    let flow = Flow::start().await?;
    flow.drain(options.events / 10).await?;
    let rate = flow.drain(options.events).await?;
    let commits = flow.bare_commits(Duration::from_secs(options.seconds)).await?;
    let half = rate / 2.0;
    // Not measured: connections are opened, and statements planned.
    flow.paced(half, Duration::from_secs(options.seconds)).await?;
    let p99 = flow.paced(half, Duration::from_secs(5 * options.seconds)).await?;
    flow.stop().await;
    Ok(vec![
        Finding {
            what: format!(
                "outbox to effect, PostgreSQL with fsync and RabbitMQ (bare commits: {commits:.0}/s)"
            ),
            measured: format!("{rate:.0}/s"),
            target: "2,500/s, or half of the bare commits".to_owned(),
            is_met: rate >= 2_500.0 || rate >= commits / 2.0,
        },
        Finding {
            what: format!("commit to effect, p99 at {half:.0}/s"),
            measured: format!("{:.0} ms", p99.as_secs_f64() * 1e3),
            target: "under 250 ms".to_owned(),
            is_met: p99 < Duration::from_millis(250),
        },
    ])
}

/// Two modules, each with a database of its own, and a broker between them.
pub(crate) struct Flow {
    source: World,
    sink: World,
    arrivals: Arc<Arrivals>,
    stop: CancellationToken,
    running: JoinSet<()>,
    relay: Arc<EventEngine>,
    broker: Arc<RabbitBroker>,
}

impl Flow {
    pub(crate) async fn start() -> Result<Self> {
        let source = World::new("source", "sink").await?;
        let sink = World::new("sink", "nowhere").await?;
        let prefix = format!("bench-{}", Uuid::now_v7().simple());
        let mut config = RabbitConfig::new(Options::broker()?);
        config.prefix = prefix;
        let broker = RabbitBroker::new(config, Handle::current())?;
        let settings =
            EngineSettings { poll: Duration::from_millis(200), ..EngineSettings::default() };
        let arrivals = Arc::new(Arrivals::default());
        let effect = Consumer::effect::<Happened>("sink.apply", Arc::clone(&arrivals) as _);
        let relay =
            EventEngine::new(source.store.clone(), Vec::new(), broker.clone(), settings.clone());
        let inbox = EventEngine::new(sink.store.clone(), vec![effect], broker.clone(), settings);
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let (feed, into, until) = (broker.clone(), inbox.inbox(), stop.clone());
        running.spawn(async move { feed.feed("sink", into, until).await });
        running.spawn(inbox.run(stop.clone()));
        Ok(Self { source, sink, arrivals, stop, running, relay, broker })
    }

    /// Writes `events` to the outbox, then relays them; says how many a second had their effect.
    pub(crate) async fn drain(&self, events: usize) -> Result<f64> {
        self.arrivals.expect(events);
        let mut written = 0;
        while written < events {
            let tenant = tenant(written);
            let tx = self.source.store.write(&context(tenant)).await?;
            for number in written..(written + 100).min(events) {
                tx.publish(&Happened::of(number)).await?;
            }
            tx.commit().await?;
            written += 100;
        }
        let begin = Instant::now();
        let stop = self.stop.child_token();
        let relaying = tokio::spawn(Arc::clone(&self.relay).run(stop.clone()));
        let arrived = timeout(PATIENCE, self.arrivals.all_there()).await;
        let took = begin.elapsed();
        stop.cancel();
        relaying.await?;
        if arrived.is_err() {
            bail!("events did not arrive within {PATIENCE:?}: {:?}", self.broker.state());
        }
        Ok(events as f64 / took.as_secs_f64())
    }

    /// Publishes `rate` events a second, each with a commit of its own, and says within what time
    /// 99 of 100 had their effect.
    async fn paced(&self, rate: f64, time: Duration) -> Result<Duration> {
        let events = (rate * time.as_secs_f64()) as usize;
        self.arrivals.expect(events);
        let stop = self.stop.child_token();
        let relaying = tokio::spawn(Arc::clone(&self.relay).run(stop.clone()));
        // A few at each tick: a timer is no finer than a millisecond.
        let at_once = (rate / 200.0).ceil().max(1.0) as usize;
        let mut ticks = interval(Duration::from_secs_f64(at_once as f64 / rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut publishing = JoinSet::new();
        let mut number = 0;
        while number < events {
            ticks.tick().await;
            for number in number..(number + at_once).min(events) {
                let store = self.source.store.clone();
                publishing.spawn(async move {
                    let tx = store.write(&context(tenant(number))).await?;
                    tx.publish(&Happened::of(number)).await?;
                    tx.commit().await
                });
            }
            number += at_once;
        }
        while let Some(published) = publishing.join_next().await {
            published?.context("an event is published")?;
        }
        let arrived = timeout(PATIENCE, self.arrivals.all_there()).await;
        stop.cancel();
        relaying.await?;
        arrived.context("events did not arrive")?;
        Ok(percentile(&mut self.arrivals.took(), 0.99))
    }

    /// What the sink's database commits of one inserted row each, with as many at work as handle
    /// events.
    async fn bare_commits(&self, time: Duration) -> Result<f64> {
        let store = self.sink.store.clone();
        let sample = load::run(time, move |number| {
            let store = store.clone();
            async move {
                let tx = store.write(&context(tenant(number))).await?;
                tx.insert(note(Uuid::now_v7())).await?;
                Ok(tx.commit().await?)
            }
        });
        Ok(sample.await?.rate)
    }

    /// The database that events are relayed from.
    pub(crate) const fn source(&self) -> &World {
        &self.source
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}

/// Something happened.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Happened {
    thing: Uuid,
    /// Just before the commit.
    at: Timestamp,
}

impl Happened {
    fn of(number: usize) -> Self {
        let at = kernel::Clock::now(&SystemClock);
        Self { thing: Uuid::from_u128((number % AGGREGATES) as u128), at }
    }
}

impl Event for Happened {
    const TYPE: &'static str = "source.happened";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("thing", self.thing, 1)
    }
}

/// Inserts a row for each event, and notes how long it was on its way.
#[derive(Debug, Default)]
struct Arrivals {
    took: Mutex<Vec<Duration>>,
    expected: Mutex<usize>,
    complete: Notify,
}

impl Arrivals {
    fn expect(&self, events: usize) {
        self.took().clear();
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = events;
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn took(&self) -> Vec<Duration> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn all_there(&self) {
        self.complete.notified().await;
    }
}

#[async_trait]
impl Effect<Happened> for Arrivals {
    async fn apply(
        &self,
        tx: &TenantTx,
        _: &CallContext,
        event: Happened,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        tx.insert(note(kernel::Ids::next(&RandomIds))).await?;
        let now = kernel::Clock::now(&SystemClock);
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        took.push(now.since(event.at));
        if took.len() == *self.expected.lock().unwrap_or_else(PoisonError::into_inner) {
            self.complete.notify_one();
        }
        Ok(())
    }
}

fn note(id: Uuid) -> note::ActiveModel {
    note::ActiveModel {
        id: Set(id),
        title: Set("it happened".to_owned()),
        stars: Set(0),
        ..Default::default()
    }
}

/// An aggregate's tenant is always the same.
fn tenant(number: usize) -> TenantId {
    TenantId(Uuid::from_u128((number / 100 % 10) as u128))
}
