//! Events over RabbitMQ (3.10 or newer): [`RabbitBroker`] is the [`EventBus`] that modules publish
//! to and the [`EventFeed`] that brings them what is theirs.
//!
//! Who declares what, and why, is in `docs/decisions/0010-rabbitmq-topology.md`.
//!
//! *Invariants*
//! - A publisher counts an envelope as taken only once the broker has confirmed it and has not
//!   returned it.
//! - A consumer acknowledges a message only once the inbox has taken it. Good messages are never
//!   rejected and never sent back: while the inbox is down they are held.
//! - Nothing here needs the broker to be up; everything that waits for it has a bound.

mod config;
mod dead_letters;
mod error;
mod feed;
mod link;
mod message;
mod publisher;
mod state;
mod topology;
mod unroutable;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use kernel::Envelope;
use seam::{CallFailure, EventBus, EventFeed, EventInbox, Receipt};
use tokio::{runtime::Handle, sync::Mutex};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use config::RabbitConfig;
pub use dead_letters::Redriven;
pub use error::RabbitError;
pub use state::{BrokerState, FeedState, LinkState};

use crate::{
    config::Settings, feed::Feed, link::Link, publisher::Publisher, state::FeedStatus,
    topology::Topology,
};

/// A program's way to RabbitMQ: one connection to publish over, one to consume over. The broker
/// throttles a publishing connection when it is short of memory or disk, which must not keep
/// consumers from acknowledging.
pub struct RabbitBroker {
    settings: Settings,
    topology: Topology,
    publisher: Publisher,
    consuming: Arc<Link>,
    feeds: std::sync::Mutex<BTreeMap<String, Arc<FeedStatus>>>,
    /// One redrive at a time: two would each count what the other moves.
    redriving: Mutex<()>,
    runtime: Handle,
}

impl RabbitBroker {
    /// Connects at the first use. Connections live on `runtime`, the program's main one; a web
    /// worker's own runtime would take them along when it ends. Call it from any.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn new(config: RabbitConfig, runtime: Handle) -> Result<Arc<Self>, RabbitError> {
        let settings = Settings::try_from(config)?;
        let topology = Topology::new(&settings.prefix);
        let publishing = Arc::new(Link::new(&settings, "publishing"));
        Ok(Arc::new(Self {
            publisher: Publisher::new(publishing, topology.clone(), settings.confirm_time),
            consuming: Arc::new(Link::new(&settings, "consuming")),
            feeds: std::sync::Mutex::default(),
            redriving: Mutex::default(),
            topology,
            settings,
            runtime,
        }))
    }

    /// What an operator wants to know at a glance. Asks nobody.
    #[must_use]
    pub fn state(&self) -> BrokerState {
        let feeds = self.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        BrokerState {
            publishing: self.publisher.link().state(),
            consuming: self.consuming.state(),
            unroutable: self.publisher.unroutable().total(),
            unroutable_now: self.publisher.unroutable().destinations(),
            feeds: feeds.iter().map(|(module, status)| (module.clone(), status.read())).collect(),
        }
    }

    fn feed_status(&self, module: &str) -> Arc<FeedStatus> {
        let mut feeds = self.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(feeds.entry(module.to_owned()).or_default())
    }

    /// Does `work` where the connections live; it ends with its caller.
    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        AbortOnDropHandle::new(self.runtime.spawn(work)).await.ok()
    }
}

#[async_trait]
impl EventBus for RabbitBroker {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        let publisher = self.publisher.clone();
        let to = destination.to_owned();
        let published =
            self.on_runtime(async move { publisher.publish(&to, &envelopes).await }).await;
        // The task ends early only with the runtime.
        published.unwrap_or_else(|| Err(CallFailure::outcome_unknown(destination)))
    }
}

#[async_trait]
impl EventFeed for RabbitBroker {
    async fn feed(&self, module: &str, inbox: Arc<dyn EventInbox>, stop: CancellationToken) {
        let feed = Feed::new(
            module,
            inbox,
            Arc::clone(&self.consuming),
            self.topology.clone(),
            &self.settings,
            self.feed_status(module),
        );
        if self.on_runtime(async move { feed.run(stop).await }).await.is_none() {
            tracing::error!(messaging.destination.name = module, "the feed of a module ended");
        }
    }
}

impl fmt::Debug for RabbitBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitBroker")
            .field("prefix", &self.settings.prefix)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
