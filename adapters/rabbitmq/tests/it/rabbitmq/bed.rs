//! An installation of its own on the shared broker.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kernel::{Aggregate, Envelope, EventId, Secret, TenantId, Timestamp};
use rabbitmq::{RabbitBroker, RabbitConfig};
use seam::{EventBus, EventFeed, EventInbox, resilience::Backoff};
use testing::{bus_contract::BusBed, noon};
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{raw::Raw, until};

/// A broker's client, and feeds that can be stopped.
pub(crate) struct Bed {
    pub(crate) broker: Arc<RabbitBroker>,
    pub(crate) prefix: String,
    running: Mutex<HashMap<String, Running>>,
    /// Deletes what the test declared, at its end.
    _tidy: Tidy,
}

struct Running {
    stop: CancellationToken,
    feed: JoinHandle<()>,
}

/// What tests run with: short waits.
pub(crate) fn config(prefix: &str) -> RabbitConfig {
    let mut config = RabbitConfig::new(Secret::new(testing::rabbitmq_url()));
    prefix.clone_into(&mut config.prefix);
    config.backoff = Backoff { base: Duration::from_millis(5), cap: Duration::from_millis(50) };
    config
}

pub(crate) fn new_prefix() -> String {
    format!("test-{}", Uuid::now_v7().simple())
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut RabbitConfig)) -> Self {
        let prefix = new_prefix();
        let mut config = config(&prefix);
        change(&mut config);
        Self::beside(prefix, config)
    }

    /// Another program of the same installation.
    pub(crate) fn another(&self) -> Self {
        Self::beside(self.prefix.clone(), config(&self.prefix))
    }

    fn beside(prefix: String, config: RabbitConfig) -> Self {
        let broker = RabbitBroker::new(config, Handle::current()).expect("a usable config");
        let tidy = Tidy(prefix.clone());
        Self { broker, prefix, running: Mutex::default(), _tidy: tidy }
    }

    /// Starts a feed, and waits for nothing.
    pub(crate) fn begin(&self, module: &str, inbox: Arc<dyn EventInbox>) {
        let stop = CancellationToken::new();
        let (broker, name, stopped) = (Arc::clone(&self.broker), module.to_owned(), stop.clone());
        let feed = tokio::spawn(async move { broker.feed(&name, inbox, stopped).await });
        let before = self.running().insert(module.to_owned(), Running { stop, feed });
        assert!(before.is_none(), "{module} is up already");
    }

    pub(crate) fn inbox(&self, module: &str) -> String {
        format!("{}.{module}.inbox", self.prefix)
    }

    pub(crate) fn is_consuming(&self, module: &str) -> bool {
        self.broker.state().feeds.get(module).is_some_and(|feed| feed.consuming)
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(&self.prefix).await
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BusBed for Bed {
    fn bus(&self) -> Arc<dyn EventBus> {
        self.broker.clone()
    }

    async fn start(&self, module: &str, inbox: Arc<dyn EventInbox>) {
        self.begin(module, inbox);
        until(|| self.is_consuming(module).then_some(())).await;
    }

    async fn stop(&self, module: &str) {
        let running = self.running().remove(module).expect("it is up");
        running.stop.cancel();
        super::within(running.feed).await.expect("a feed that ends");
    }
}

/// Deletes an installation's exchanges and queues.
struct Tidy(String);

impl Drop for Tidy {
    /// On a runtime of its own: the test's may be gone or in the middle of something.
    fn drop(&mut self) {
        let prefix = std::mem::take(&mut self.0);
        let tidying = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                Raw::connect(&prefix).await.delete_all().await;
            });
        });
        // What is left over on a test broker is no reason to hide why a test failed.
        let _ = tidying.join();
    }
}

/// What the module `counter` would publish: counter `counter` was counted up to `n`.
pub(crate) fn envelope(counter: u128, n: i64) -> Envelope {
    let id = (counter << 64) + u128::from(n.unsigned_abs());
    Envelope {
        id: EventId(Uuid::from_u128(id)),
        event_type: "counter.counted".to_owned(),
        version: 1,
        source: "counter".to_owned(),
        tenant: Some(TenantId(Uuid::from_u128(7))),
        aggregate: Aggregate::new("counter", Uuid::from_u128(counter), n),
        occurred_at: occurred_at(),
        traceparent: None,
        payload: serde_json::json!({ "n": n }),
    }
}

pub(crate) fn occurred_at() -> Timestamp {
    noon()
}

/// Events of one counter.
pub(crate) fn counted(n: std::ops::RangeInclusive<i64>) -> Vec<Envelope> {
    n.map(|n| envelope(1, n)).collect()
}
