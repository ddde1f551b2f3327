//! The first attempt at an effect.

use kernel::Envelope;
use storage::{InTenant, StoreError, TenantTx};
use tracing::Instrument;

use super::{
    FirstAttempt, Inbox, arrivals,
    attempt::{self, bounded},
};
use crate::{Consumer, HandlerError, consumer::AnyEffect, scopes::INBOX};

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
            return self.store_failed(consumer, envelope, FirstAttempt::NotMade, &error).await;
        }
        // One that met another transaction is tried again at once, rather than after a wait for
        // which the rest of its key would stand behind it.
        match storage::retrying(|| self.try_at_once(consumer, effect, envelope)).await {
            Ok(()) => Ok(()),
            Err(Spoiled::Store(error)) => Err(error),
            Err(Spoiled::Effect(error)) => {
                self.store_failed(consumer, envelope, FirstAttempt::Made, &error).await
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
        let handling = effect
            .apply(&tx, &ctx, envelope, &delivery)
            .instrument(attempt::span(consumer, envelope));
        let handled = bounded(self.settings.effect_time, handling).await;
        #[cfg(feature = "failpoints")]
        failpoints::reach("events::effect_before_commit").await;
        Spoiled::unless_committed(tx, handled).await
    }
}

/// Why an attempt at an effect has left nothing behind.
pub(super) enum Spoiled {
    /// To be counted and stored.
    Effect(HandlerError),
    /// Nothing is known of the effect: the sender is to send again.
    Store(StoreError),
}

impl Spoiled {
    /// Commits what was `handled` well.
    pub(super) async fn unless_committed(
        tx: TenantTx,
        handled: Result<(), HandlerError>,
    ) -> Result<(), Self> {
        handled.map_err(Self::Effect)?;
        tx.commit().await.map_err(|error| match error {
            unknown @ StoreError::CommitUnknown { .. } => Self::Store(unknown),
            error => Self::Effect(error.into()),
        })
    }
}

impl From<StoreError> for Spoiled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
