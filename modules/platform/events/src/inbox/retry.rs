//! Works off what waits in the inbox: actions, and what failed at first.

use kernel::Envelope;
use serde::Deserialize;
use storage::StoreError;
use telemetry::errors::unexpected_at;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Inbox,
    attempt::{self, NeverCameBack, Verdict, bounded},
    effect::Spoiled,
    rows::{self, Waiting},
};
use crate::{
    Consumer, HandlerError,
    consumer::{AnyAction, AnyEffect, Handling, NobodyConsumes},
    metrics::{self, Outcome},
    scopes::INBOX,
};

impl Inbox {
    /// The events of `consumer` that are the first of their keys to wait, and due; at most `limit`.
    pub(crate) async fn due_heads(
        &self,
        consumer: &Consumer,
        limit: u64,
    ) -> Result<Vec<Waiting>, StoreError> {
        rows::due_heads(&self.store, consumer.name, self.store.clock().now(), limit).await
    }

    /// Whether anything is due for any consumer.
    pub(crate) async fn has_due(&self) -> Result<bool, StoreError> {
        let names = self.consumers.iter().map(|consumer| consumer.name);
        rows::has_due(&self.store, names, self.store.clock().now()).await
    }

    /// Makes due what a worker that is no more may have claimed.
    pub(crate) async fn inherit_claims(&self) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        rows::make_due(&self.store, now, now + self.settings.lease).await
    }

    /// Handles `head` and what waits behind it, in order, as long as it is due and `stop` is not
    /// cancelled. Says how many attempts were made.
    pub(crate) async fn work_off(
        &self,
        consumer: &Consumer,
        head: Waiting,
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        let key = head.ordering_key.clone();
        let mut attempts = 0;
        let mut next = Some(head);
        while let Some(first) = next.filter(|row| row.is_due(self.store.clock().now())) {
            attempts += 1;
            match self.attempt(consumer, &first).await? {
                Progress::Moved => {}
                Progress::Stuck => break,
            }
            if stop.is_cancelled() {
                break;
            }
            next = rows::first_waiting(&self.store, consumer.name, &key).await?;
        }
        Ok(attempts)
    }

    async fn attempt(&self, consumer: &Consumer, row: &Waiting) -> Result<Progress, StoreError> {
        let envelope = match Envelope::deserialize(&row.envelope) {
            Ok(envelope) => envelope,
            Err(error) => {
                let error = HandlerError::permanent(error);
                return self.park_unreadable(consumer, row, &error).await;
            }
        };
        match &consumer.handling {
            Handling::Effect(effect) => self.apply(consumer, &**effect, row, &envelope).await,
            Handling::Action(action) => self.perform(consumer, &**action, row, &envelope).await,
            Handling::Unrouted => self.route_again(consumer, row, &envelope).await,
        }
    }

    /// Gives what was parked for want of a consumer to those that there are now.
    async fn route_again(
        &self,
        consumer: &Consumer,
        row: &Waiting,
        envelope: &Envelope,
    ) -> Result<Progress, StoreError> {
        if self.subscribed_to(&envelope.event_type).is_empty() {
            let event_type = envelope.event_type.clone();
            let error = HandlerError::permanent(NobodyConsumes { event_type });
            return self.record_failure(consumer, row, envelope, row.attempts, &error).await;
        }
        // Each consumer takes it once, so that a repetition after a crash here does no harm.
        self.take(envelope).await?;
        let tx = self.store.system_write(&INBOX).await?;
        let now = self.store.clock().now();
        if !rows::finish(&tx, row, row.attempts + 1, now).await? {
            return Ok(Progress::Stuck);
        }
        tx.commit().await?;
        Ok(Progress::Moved)
    }

    async fn apply(
        &self,
        consumer: &Consumer,
        effect: &dyn AnyEffect,
        row: &Waiting,
        envelope: &Envelope,
    ) -> Result<Progress, StoreError> {
        if envelope.tenant.is_none() {
            let error = HandlerError::permanent(attempt::NoTenant);
            return self.record_failure(consumer, row, envelope, row.attempts, &error).await;
        }
        match storage::retrying(|| self.try_again(consumer, effect, row, envelope)).await {
            Ok(progress) => Ok(progress),
            Err(Spoiled::Store(error)) => Err(error),
            Err(Spoiled::Effect(error, span)) => {
                let recording =
                    self.record_failure(consumer, row, envelope, row.attempts + 1, &error);
                recording.instrument(span).await
            }
        }
    }

    async fn try_again(
        &self,
        consumer: &Consumer,
        effect: &dyn AnyEffect,
        row: &Waiting,
        envelope: &Envelope,
    ) -> Result<Progress, Spoiled> {
        let ctx = attempt::context(consumer, envelope, self.settings.effect_time);
        let tx = self.store.system_write(&INBOX).await?;
        // Another replica may have been here since the row was read.
        if !rows::finish(&tx, row, row.attempts + 1, self.store.clock().now()).await? {
            return Ok(Progress::Stuck);
        }
        let tx = tx.into_tenant(&ctx).await?;
        let delivery = attempt::delivery(envelope, row.attempts + 1);
        let span = attempt::span(consumer, envelope, delivery.attempt);
        let handling = effect.apply(&tx, &ctx, envelope, &delivery);
        let handled =
            bounded(self.store.module(), consumer, &span, self.settings.effect_time, handling)
                .await;
        Spoiled::unless_committed(consumer, tx, handled, span).await?;
        Ok(Progress::Moved)
    }

    async fn perform(
        &self,
        consumer: &Consumer,
        action: &dyn AnyAction,
        row: &Waiting,
        envelope: &Envelope,
    ) -> Result<Progress, StoreError> {
        if row.attempts >= self.settings.max_attempts {
            let error = HandlerError::permanent(NeverCameBack);
            return self.record_failure(consumer, row, envelope, row.attempts, &error).await;
        }
        let Some(claimed) = self.claim(row).await? else { return Ok(Progress::Stuck) };
        let ctx = attempt::context(consumer, envelope, self.settings.action_time);
        let delivery = attempt::delivery(envelope, claimed.attempts);
        let span = attempt::span(consumer, envelope, delivery.attempt);
        let handling = action.perform(&ctx, envelope, &delivery);
        let handled =
            bounded(self.store.module(), consumer, &span, self.settings.action_time, handling);
        let outcome = tokio::select! {
            outcome = handled => outcome,
            never = self.keep_claimed(&claimed) => match never {},
        };
        #[cfg(feature = "failpoints")]
        failpoints::reach("events::action_before_finish").await;
        match outcome {
            Ok(()) => {
                let tx = self.store.system_write(&INBOX).await?;
                let now = self.store.clock().now();
                if rows::finish(&tx, &claimed, claimed.attempts, now).await? {
                    tx.commit().await?;
                    metrics::delivered(consumer, Outcome::Handled);
                    return Ok(Progress::Moved);
                }
                Ok(Progress::Stuck)
            }
            Err(error) => {
                let recording =
                    self.record_failure(consumer, &claimed, envelope, claimed.attempts, &error);
                recording.instrument(span).await
            }
        }
    }

    /// Counts the attempt before it is made, so that one that kills the process counts too, and
    /// keeps other replicas away for the time of a lease.
    async fn claim(&self, row: &Waiting) -> Result<Option<Waiting>, StoreError> {
        let tx = self.store.system_write(&INBOX).await?;
        let until = self.store.clock().now() + self.settings.lease;
        if !rows::count_attempt(&tx, row, until).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(row.clone().counted()))
    }

    async fn keep_claimed(&self, row: &Waiting) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(self.settings.lease / 2).await;
            let until = self.store.clock().now() + self.settings.lease;
            if let Err(error) = rows::postpone(&self.store, row, until).await {
                // Should it fail until the lease is over, the action is performed twice, which it
                // must bear anyway.
                tracing::warn!(error = &error as &dyn std::error::Error, "a claim was not renewed");
            }
        }
    }

    async fn record_failure(
        &self,
        consumer: &Consumer,
        row: &Waiting,
        envelope: &Envelope,
        attempts: u32,
        error: &HandlerError,
    ) -> Result<Progress, StoreError> {
        let verdict = Verdict::of(error, attempts, &self.settings);
        attempt::tell(self.store.module(), consumer, envelope, attempts, &verdict, error);
        let passed = verdict.at(self.store.clock().now());
        rows::record_failure(&self.store, row, attempts, &passed, error).await?;
        Ok(match verdict {
            Verdict::Again(_) => Progress::Stuck,
            Verdict::Park => Progress::Moved,
        })
    }

    async fn park_unreadable(
        &self,
        consumer: &Consumer,
        row: &Waiting,
        error: &HandlerError,
    ) -> Result<Progress, StoreError> {
        metrics::delivered(consumer, Outcome::Parked);
        let fingerprint = unexpected_at(self.store.module(), consumer.name, error);
        tracing::error!(
            messaging.message.id = %row.event_id,
            messaging.consumer = consumer.name,
            error = error as &dyn std::error::Error,
            error.fingerprint = %fingerprint,
            "a stored envelope cannot be read and is parked as a dead letter"
        );
        let passed = Verdict::Park.at(self.store.clock().now());
        rows::record_failure(&self.store, row, row.attempts, &passed, error).await?;
        Ok(Progress::Moved)
    }
}

/// Whether the key's next event may be tried at once.
enum Progress {
    Moved,
    Stuck,
}
