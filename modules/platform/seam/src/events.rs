//! The port at which a module takes events. In process it is called directly; between processes
//! the same calls go over the transport of the other ports: HTTP push needs nothing of its own.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{CallContext, Envelope, EventId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{CallFailure, PortError, port};

/// The name of the port [`EventInbox`], for who tells its calls from those that ask for something.
pub const EVENT_INBOX: &str = "EventInbox";

/// Where a module's subscriptions receive.
#[port(service = "events", version = 1)]
pub trait EventInbox {
    /// Hands over a batch, in order. An envelope is taken once it is safe with the receiver: its
    /// effect committed, or stored there to be tried again. What is not taken stays with the
    /// sender, who sends it again; what was taken before is taken again without a second effect.
    ///
    /// Another program delivers the events of its own modules only: who consumes an event acts for
    /// the module that published it. What comes by way of a broker is the broker's to keep apart.
    #[call(write)]
    async fn deliver(&self, ctx: &CallContext, batch: EventBatch)
    -> Result<Receipt, DeliveryError>;
}

/// Leads to the inboxes of other modules.
#[async_trait]
pub trait EventBus: Send + Sync + 'static {
    /// Hands `envelopes` to `destination`, a module's name, and says which of them were taken.
    ///
    /// # Errors
    /// None is known to be taken; send them again.
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure>;
}

/// Brings to a module what a broker holds for it: the other end of an [`EventBus`] that does not
/// call the inbox itself.
#[async_trait]
pub trait EventFeed: Send + Sync + 'static {
    /// Hands `inbox` what is held for `module`, until `stop` is cancelled; returns within ten
    /// seconds of that.
    ///
    /// The broker forgets an envelope once the inbox has taken it, and no sooner: what is in hand
    /// when this ends, or when the process does, comes again. A broker or an inbox that is down is
    /// waited for, however long; neither ends the feed, and neither costs an envelope. With one
    /// feed, envelopes of one ordering key come in the order of their publication; several for one
    /// module share the work and keep no order.
    async fn feed(&self, module: &str, inbox: Arc<dyn EventInbox>, stop: CancellationToken);
}

/// Which modules hear of an event. Asked when an event is written, so that each destination has
/// an outbox row of its own and one that is down holds up no other.
pub trait EventRoutes: Send + Sync + 'static {
    /// The names of the modules that take `event_type`.
    fn destinations(&self, event_type: &str) -> Vec<String>;

    /// The names of the modules that take any event of the module `publisher`.
    fn destinations_of(&self, publisher: &str) -> Vec<String>;
}

/// Envelopes in the order in which they are to be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventBatch {
    /// At most 500.
    pub envelopes: Vec<Envelope>,
}

/// What the receiver answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The envelopes that the sender may forget.
    pub taken: Vec<EventId>,
}

/// A receiver takes a batch, cannot be reached, or refuses what its sender has no right to say.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeliveryError {
    /// The program that sends the batch does not speak for the module that an event of it is said
    /// to be of. None was taken.
    #[error("{program} may not deliver events of {source_module}")]
    ForeignSource {
        /// The program.
        program: String,
        /// The event's `source`.
        source_module: String,
    },
    /// No answer from the receiver.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

impl DeliveryError {
    /// The failure as a sender to `destination` sees it. What is refused stays with it, and is sent
    /// again: an operator may yet say that the sender has the right.
    #[must_use]
    pub fn into_failure(self, destination: &str) -> CallFailure {
        match self {
            Self::Call(failure) => failure,
            refused @ Self::ForeignSource { .. } => CallFailure::incompatible(destination, refused),
        }
    }
}
