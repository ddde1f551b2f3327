//! The first attempt at an effect.

use kernel::Envelope;
use storage::{InTenant, StoreError, TenantTx};
use telemetry::conventions::ERROR_TYPE;
use tracing::{Instrument, Span};

use super::{
    Failed, FirstAttempt, Inbox, arrivals,
    attempt::{self, bounded},
};
use crate::{
    Consumer, HandlerError,
    consumer::AnyEffect,
    metrics::{self, Outcome},
    scopes::INBOX,
};

impl Inbox {
    /// The first attempt at an effect, in one commit with the row that says it happened.
    pub(super) async fn apply_at_once(
        &self,
        consumer: &Consumer,
        effect: &dyn AnyEffect,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        if envelope.tenant.is_none() {
            let error = HandlerError::permanent(attempt::NoTenant);
            return self.store_failed(consumer, envelope, Failed::untried(error)).await;
        }
        // One that met another transaction is tried again at once, rather than after a wait for
        // which the rest of its key would stand behind it.
        match storage::retrying(|| self.try_at_once(consumer, effect, envelope)).await {
            Ok(()) => Ok(()),
            Err(Spoiled::Store(error)) => Err(error),
            Err(Spoiled::Effect(error, span)) => {
                let failed = Failed { first: FirstAttempt::Made, span, error };
                self.store_failed(consumer, envelope, failed).await
            }
        }
    }

    async fn try_at_once(
        &self,
        consumer: &Consumer,
        effect: &dyn AnyEffect,
        envelope: &Envelope,
    ) -> Result<(), Spoiled> {
        let ctx = attempt::context(consumer, envelope, self.settings.effect_time);
        let tx = self.store.system_write(&INBOX).await?;
        let now = self.store.clock().now();
        let done = || arrivals::done(consumer, envelope, now);
        let tx = match arrivals::claim_as_next(tx, &ctx, consumer, done()).await? {
            InTenant::Inserted(tx) => tx,
            // It was taken before, or something of its key is to be handled first; unless that has
            // just been.
            InTenant::Not(tx) => {
                let ahead = arrivals::last_waiting(&tx, consumer, envelope).await?;
                let row = match ahead {
                    None => done(),
                    Some(_) => arrivals::waiting(consumer, envelope, now, ahead),
                };
                if !arrivals::claim(&tx, row).await? {
                    metrics::delivered(consumer, Outcome::Duplicate);
                    return Ok(());
                }
                if ahead.is_some() {
                    tx.commit().await?;
                    // What it waits for may have been handled since.
                    self.wake.notify_one();
                    return Ok(());
                }
                tx.into_tenant(&ctx).await?
            }
        };
        let delivery = attempt::delivery(envelope, 1);
        let span = attempt::span(consumer, envelope, delivery.attempt);
        let handling = effect.apply(&tx, &ctx, envelope, &delivery);
        let handled =
            bounded(self.store.module(), consumer, &span, self.settings.effect_time, handling)
                .await;
        #[cfg(feature = "failpoints")]
        failpoints::reach("events::effect_before_commit").await;
        Spoiled::unless_committed(consumer, tx, handled, span).await
    }
}

/// Why an attempt at an effect has left nothing behind.
pub(super) enum Spoiled {
    /// To be counted and stored; and the span that it was tried in.
    Effect(HandlerError, Span),
    /// Nothing is known of the effect: the sender is to send again.
    Store(StoreError),
}

impl Spoiled {
    /// Commits what `consumer` has `handled` well in `span`.
    pub(super) async fn unless_committed(
        consumer: &Consumer,
        tx: TenantTx,
        handled: Result<(), HandlerError>,
        span: Span,
    ) -> Result<(), Self> {
        if let Err(error) = handled {
            return Err(Self::Effect(error, span));
        }
        let committed = tx.commit().instrument(span.clone()).await;
        committed.map(|()| metrics::delivered(consumer, Outcome::Handled)).map_err(|error| {
            span.record(ERROR_TYPE, "commit");
            match error {
                unknown @ StoreError::CommitUnknown { .. } => Self::Store(unknown),
                error => Self::Effect(error.into(), span),
            }
        })
    }
}

impl From<StoreError> for Spoiled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
