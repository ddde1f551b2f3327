//! Takes what is delivered: once, in order, and never losing it.

mod arrivals;
mod attempt;
mod effect;
mod retry;
mod rows;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kernel::{CallContext, Envelope, EventDecodeError, EventId};
use seam::{DeliveryError, EventBatch, EventInbox, Receipt};
use storage::{Store, StoreError};
use tokio::sync::Notify;
use tracing::Span;

use self::attempt::Verdict;
use crate::{
    Consumer, EngineSettings, HandlerError,
    consumer::{Handling, NobodyConsumes},
    metrics::{self, Outcome},
    scopes::INBOX,
};

pub(crate) use self::{
    arrivals::{open, park_unreadable},
    rows::replay,
};

/// The most envelopes of a batch that are looked at; [`EventBatch`] says so too.
const LONGEST_BATCH: usize = 500;

/// A module's inbox: what its consumers take, have taken, and failed to take.
pub(crate) struct Inbox {
    pub(crate) store: Store,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) settings: EngineSettings,
    /// Tells the engine that there is something to do at once.
    pub(crate) wake: Arc<Notify>,
}

#[async_trait]
impl EventInbox for Inbox {
    async fn deliver(
        &self,
        ctx: &CallContext,
        batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        // The record is the inbox itself: each event is taken once under its own id.
        ctx.mark_recorded();
        refuse_foreign(ctx, &batch)?;
        let envelopes = &batch.envelopes[..batch.envelopes.len().min(LONGEST_BATCH)];
        let queues = self.queues(envelopes);
        let begun = Begun::default();
        let mut taken = Vec::with_capacity(envelopes.len());
        let mut failed = None;
        let working: Vec<_> =
            queues.into_iter().map(|queue| self.take_in_turn(ctx, queue, &begun)).collect();
        let mut working = stream::iter(working).buffer_unordered(self.settings.concurrency);
        while let Some(queue) = working.next().await {
            taken.extend(queue.taken);
            failed = failed.or(queue.failed);
        }
        // In the order in which they came, whichever was done first.
        let done: HashSet<EventId> = taken.into_iter().collect();
        let in_order = envelopes.iter().map(|envelope| envelope.id);
        let taken: Vec<_> = in_order.filter(|id| done.contains(id)).collect();
        match failed {
            Some(error) if taken.is_empty() => return Err(DeliveryError::Call(error.into())),
            Some(error) => tracing::warn!(
                taken = taken.len(),
                error = &error as &dyn std::error::Error,
                "a part of a batch was not taken"
            ),
            None => {}
        }
        #[cfg(feature = "failpoints")]
        failpoints::reach("events::effect_before_ack").await;
        Ok(Receipt { taken })
    }
}

impl Inbox {
    /// The batch as queues that can be worked on beside each other: one for each ordering key,
    /// since each envelope is a commit of its own and a database commits several at the cost of
    /// one. The embedded engine has one writer, and so one queue.
    fn queues<'a>(&self, envelopes: &'a [Envelope]) -> Vec<Vec<&'a Envelope>> {
        if self.store.is_exclusive() {
            return vec![envelopes.iter().collect()];
        }
        let mut places = HashMap::new();
        let mut queues: Vec<Vec<&Envelope>> = Vec::new();
        for envelope in envelopes {
            let place = *places.entry(envelope.aggregate.ordering_key()).or_insert(queues.len());
            match queues.get_mut(place) {
                Some(queue) => queue.push(envelope),
                None => queues.push(vec![envelope]),
            }
        }
        queues
    }

    /// Takes one envelope after the other, until one cannot be taken: what follows is of the same
    /// key, and a store that failed once is likely to fail again.
    async fn take_in_turn(&self, ctx: &CallContext, queue: Vec<&Envelope>, begun: &Begun) -> Taken {
        let mut taken = Vec::with_capacity(queue.len());
        for envelope in queue {
            // The sender is told in time what is safe, and sends the rest again. The first one is
            // tried in any case, or a sender in a hurry would never get on.
            let in_time = ctx.remaining() > 2 * self.settings.effect_time;
            if begun.mark() && !in_time {
                break;
            }
            match self.take(envelope).await {
                Ok(()) => taken.push(envelope.id),
                Err(error) => return Taken { taken, failed: Some(error) },
            }
        }
        Taken { taken, failed: None }
    }

    /// Makes an envelope safe: for every consumer of it, its effect is committed or it is stored.
    async fn take(&self, envelope: &Envelope) -> Result<(), StoreError> {
        let subscribed: Vec<&Consumer> = self.subscribed_to(&envelope.event_type);
        if subscribed.is_empty() {
            return self.park_unrouted(envelope).await;
        }
        let is_known = subscribed.iter().any(|consumer| consumer.version == envelope.version);
        for consumer in subscribed {
            if !is_known {
                self.park_unknown(consumer, envelope).await?;
            } else if consumer.version == envelope.version {
                match &consumer.handling {
                    Handling::Effect(effect) => {
                        self.apply_at_once(consumer, &**effect, envelope).await?;
                    }
                    Handling::Action(_) => self.store_for_later(consumer, envelope).await?,
                    // It consumes no type of its own.
                    Handling::Unrouted => {}
                }
            }
        }
        Ok(())
    }

    fn subscribed_to(&self, event_type: &str) -> Vec<&Consumer> {
        self.consumers.iter().filter(|consumer| consumer.event_type == event_type).collect()
    }

    /// Nobody here consumes the type: a newer build will.
    async fn park_unrouted(&self, envelope: &Envelope) -> Result<(), StoreError> {
        let event_type = envelope.event_type.clone();
        let error = HandlerError::permanent(NobodyConsumes { event_type });
        self.store_failed(&Consumer::unrouted(), envelope, Failed::untried(error)).await
    }

    /// No consumer of the type knows this version: a newer build will.
    async fn park_unknown(
        &self,
        consumer: &Consumer,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        let error = HandlerError::permanent(EventDecodeError::Unknown {
            event_type: envelope.event_type.clone(),
            version: envelope.version,
        });
        self.store_failed(consumer, envelope, Failed::untried(error)).await
    }

    /// Stores an envelope for an action, which runs outside of the sender's call: a slow provider
    /// slows nobody's relay.
    async fn store_for_later(
        &self,
        consumer: &Consumer,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        let tx = self.store.system_write(&INBOX).await?;
        let now = self.store.clock().now();
        let ahead = arrivals::last_waiting(&tx, consumer, envelope).await?;
        let row = arrivals::waiting(consumer, envelope, now, ahead);
        if arrivals::claim(&tx, row).await? {
            tx.commit().await?;
            self.wake.notify_one();
        } else {
            metrics::delivered(consumer, Outcome::Duplicate);
        }
        Ok(())
    }

    /// Stores an envelope whose first attempt failed, unless another delivery of it went well in
    /// the meantime.
    async fn store_failed(
        &self,
        consumer: &Consumer,
        envelope: &Envelope,
        failed: Failed,
    ) -> Result<(), StoreError> {
        let Failed { first, span, error } = failed;
        let now = self.store.clock().now();
        let attempts = match first {
            FirstAttempt::Made => 1,
            FirstAttempt::NotMade => 0,
        };
        let verdict = Verdict::of(&error, attempts, &self.settings);
        span.in_scope(|| {
            attempt::tell(self.store.module(), consumer, envelope, attempts, &verdict, &error);
        });
        let tx = self.store.system_write(&INBOX).await?;
        let row = arrivals::failed(consumer, envelope, attempts, &verdict.at(now), &error);
        if arrivals::claim(&tx, row).await? {
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Refuses a batch of which another program has no right to say all: an event is handled on behalf
/// of its source.
fn refuse_foreign(ctx: &CallContext, batch: &EventBatch) -> Result<(), DeliveryError> {
    let Some(program) = ctx.program() else { return Ok(()) };
    let mut sources = batch.envelopes.iter().map(|envelope| &envelope.source);
    let Some(foreign) = sources.find(|source| !program.speaks_for(source)) else { return Ok(()) };
    tracing::warn!(
        program = program.name,
        messaging.source = foreign,
        "a program delivers events of a module that it does not speak for"
    );
    let (program, source_module) = (program.name.clone(), foreign.clone());
    Err(DeliveryError::ForeignSource { program, source_module })
}

/// What became of a queue of envelopes.
struct Taken {
    taken: Vec<EventId>,
    failed: Option<StoreError>,
}

/// Whether anything of a batch was begun.
#[derive(Default)]
struct Begun(AtomicBool);

impl Begun {
    /// Begins, and says whether something else did before.
    fn mark(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }
}

/// Why an envelope is stored rather than done with.
struct Failed {
    first: FirstAttempt,
    /// The span that it was tried in.
    span: Span,
    error: HandlerError,
}

impl Failed {
    /// Before any handler was called.
    fn untried(error: HandlerError) -> Self {
        Self { first: FirstAttempt::NotMade, span: Span::none(), error }
    }
}

/// Whether a handler was called before a failure was stored.
#[derive(Clone, Copy)]
enum FirstAttempt {
    Made,
    NotMade,
}
