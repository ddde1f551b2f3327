use std::time::Duration;

use async_trait::async_trait;
use kernel::{CallContext, CallId, Envelope, Principal};
use seam::{CallFailure, EventBatch, EventBus, Receipt};

use crate::Ports;

/// How long a publication may take.
const PUBLISH_TIME: Duration = Duration::from_secs(30);

/// Brings events to the inboxes of other modules over the ports: called directly in one process,
/// pushed over HTTP between processes.
#[derive(Clone, Debug)]
pub struct PortBus {
    ports: Ports,
    source: String,
}

impl PortBus {
    /// Publishes in the name of the module `source`.
    #[must_use]
    pub fn new(ports: Ports, source: impl Into<String>) -> Self {
        let source = source.into();
        Self { ports: ports.called_by(&source), source }
    }
}

#[async_trait]
impl EventBus for PortBus {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        // The client is looked up at each publication: at the first one the inbox may not have
        // been there.
        let inbox = self
            .ports
            .inbox_client(destination)
            .ok_or_else(|| CallFailure::unavailable(destination))?;
        let principal = Principal::service(&self.source);
        // A key of its own: the inbox recognises each event by its id, and a batch that is sent
        // again need not be composed as before.
        let ctx = CallContext::new(principal, CallId::random(), PUBLISH_TIME);
        let delivered = inbox.deliver(&ctx, EventBatch { envelopes }).await;
        delivered.map_err(|error| error.into_failure(destination))
    }
}
