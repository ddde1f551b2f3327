//! What a module subscribes with.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Aggregate, CallContext, Envelope, Event, EventId, Timestamp};
use seam::CallFailure;
use storage::{StoreError, TenantTx};

/// A change of the module's own data, made in the transaction that records the delivery: it
/// happens once, however often the event is sent.
///
/// It is given five seconds, holds a transaction all the while, and so calls nobody.
#[async_trait]
pub trait Effect<E>: Send + Sync + 'static {
    /// Changes the tenant's data through `tx`, which the caller commits.
    ///
    /// # Errors
    /// [`HandlerError::Retry`] to be called again later, [`HandlerError::Permanent`] to park the
    /// event. Either way nothing of what was done in `tx` remains.
    async fn apply(
        &self,
        tx: &TenantTx,
        ctx: &CallContext,
        event: E,
        delivery: &Delivery,
    ) -> Result<(), HandlerError>;
}

/// Work that reaches outside the module's data: a call to a provider or to another module.
///
/// It may be called again for an event that it has handled already (the process can die between
/// the work and the record of it), so it is idempotent by [`Delivery::id`], which is also part of
/// the context's key.
#[async_trait]
pub trait Action<E>: Send + Sync + 'static {
    /// Does the work, within the time of `ctx`.
    ///
    /// # Errors
    /// [`HandlerError::Retry`] to be called again later, [`HandlerError::Permanent`] to park the
    /// event.
    async fn perform(
        &self,
        ctx: &CallContext,
        event: E,
        delivery: &Delivery,
    ) -> Result<(), HandlerError>;
}

/// What is known of a delivery besides the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event's id, the same at every delivery.
    pub id: EventId,
    /// Counts from 1, and again from 1 after a replay.
    pub attempt: u32,
    /// When the event became true.
    pub occurred_at: Timestamp,
    /// What it is about; its version tells a late event from a new one.
    pub aggregate: Aggregate,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// It may go well later.
    #[error("the event may be handled later")]
    Retry(#[source] Box<dyn Error + Send + Sync>),
    /// It will never go well as it is: parked at once.
    #[error("the event cannot be handled")]
    Permanent(#[source] Box<dyn Error + Send + Sync>),
}

impl HandlerError {
    /// [`HandlerError::Retry`] because of `source`.
    pub fn retry(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry(source.into())
    }

    /// [`HandlerError::Permanent`] because of `source`.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Permanent(source.into())
    }
}

impl From<StoreError> for HandlerError {
    fn from(error: StoreError) -> Self {
        Self::retry(error)
    }
}

impl From<CallFailure> for HandlerError {
    fn from(failure: CallFailure) -> Self {
        Self::retry(failure)
    }
}

/// Nobody in this build consumes the event.
#[derive(Debug, thiserror::Error)]
#[error("this build has no consumer of {event_type}")]
pub(crate) struct NobodyConsumes {
    pub(crate) event_type: String,
}

/// A subscription to one version of one type of event.
#[derive(Clone)]
pub struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) event_type: &'static str,
    pub(crate) version: u32,
    pub(crate) handling: Handling,
}

/// How an event is handled, its type erased.
#[derive(Clone)]
pub(crate) enum Handling {
    Effect(Arc<dyn AnyEffect>),
    Action(Arc<dyn AnyAction>),
    /// Given to those who consume it now.
    Unrouted,
}

impl Consumer {
    /// Handles `E` inside the transaction that records the delivery.
    ///
    /// `name` identifies what was handled in the inbox for ever: unique within the module, and not
    /// to be changed while events are on their way.
    pub fn effect<E: Event>(name: &'static str, effect: Arc<dyn Effect<E>>) -> Self {
        let handling = Handling::Effect(Arc::new(DecodedEffect(effect)));
        Self { name, event_type: E::TYPE, version: E::VERSION, handling }
    }

    /// Handles `E` outside of any transaction. For `name` see [`Consumer::effect`].
    pub fn action<E: Event>(name: &'static str, action: Arc<dyn Action<E>>) -> Self {
        let handling = Handling::Action(Arc::new(DecodedAction(action)));
        Self { name, event_type: E::TYPE, version: E::VERSION, handling }
    }

    /// Keeps what was sent here although nobody here consumes it: the sender's build is newer, and
    /// knows of a consumer that this build does not have. Once there is one, an operator replays.
    pub(crate) const fn unrouted() -> Self {
        Self { name: "unrouted", event_type: "", version: 0, handling: Handling::Unrouted }
    }

    /// The name it has in the inbox.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The type of event that it takes.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        self.event_type
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .field("event_type", &self.event_type)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[async_trait]
pub(crate) trait AnyEffect: Send + Sync {
    async fn apply(
        &self,
        tx: &TenantTx,
        ctx: &CallContext,
        envelope: &Envelope,
        delivery: &Delivery,
    ) -> Result<(), HandlerError>;
}

#[async_trait]
pub(crate) trait AnyAction: Send + Sync {
    async fn perform(
        &self,
        ctx: &CallContext,
        envelope: &Envelope,
        delivery: &Delivery,
    ) -> Result<(), HandlerError>;
}

struct DecodedEffect<E>(Arc<dyn Effect<E>>);

#[async_trait]
impl<E: Event> AnyEffect for DecodedEffect<E> {
    async fn apply(
        &self,
        tx: &TenantTx,
        ctx: &CallContext,
        envelope: &Envelope,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let event = envelope.decode::<E>().map_err(HandlerError::permanent)?;
        self.0.apply(tx, ctx, event, delivery).await
    }
}

struct DecodedAction<E>(Arc<dyn Action<E>>);

#[async_trait]
impl<E: Event> AnyAction for DecodedAction<E> {
    async fn perform(
        &self,
        ctx: &CallContext,
        envelope: &Envelope,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let event = envelope.decode::<E>().map_err(HandlerError::permanent)?;
        self.0.perform(ctx, event, delivery).await
    }
}
