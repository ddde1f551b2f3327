//! Sends one batch, and settles what came of it.

use std::collections::HashSet;

use kernel::{CallContext, CallId, Envelope, EventId, Principal, Timestamp};
use seam::{CallFailure, EventBatch, Receipt, resilience::Backoff};
use storage::{StoreError, tables::outbox};
use telemetry::errors::{Site, Work, caught, unexpected_at};

#[cfg(feature = "failpoints")]
use super::poison;
use super::{Relay, Sent, batch, rows, spans::Sending};
use crate::{history::describe, metrics};

/// What a relay's faults are faults of.
const RELAY: &str = "relay";

impl Relay {
    /// Sends `batch` to `destination`, and notes what came of it.
    pub(super) async fn send(
        &self,
        destination: &str,
        batch: Vec<outbox::Model>,
    ) -> Result<Sent, StoreError> {
        let (rows, envelopes) = match batch::open(batch) {
            Ok(opened) => opened,
            Err(unreadable) => {
                let fingerprint = unexpected_at(self.store.module(), RELAY, &unreadable);
                tracing::error!(
                    messaging.message.id = %unreadable.row.event_id,
                    error = &unreadable as &dyn std::error::Error,
                    error.fingerprint = %fingerprint,
                    "an outbox row cannot be read, and holds up its ordering key"
                );
                let backoff = self.settings.relay_backoff;
                rows::hold_back(&self.store, &[&unreadable.row], &describe(&unreadable), backoff)
                    .await?;
                return Ok(Sent::Taken(0));
            }
        };
        #[cfg(feature = "failpoints")]
        let envelopes = poison::ahead_of(envelopes);
        // A relay that stalls here wakes up with leases that may have ended.
        #[cfg(feature = "failpoints")]
        failpoints::reach("events::read_before_publish").await;
        let published = tokio::select! {
            published = self.publish(destination, envelopes) => published,
            never = self.lanes.keep(batch::lanes_of(&rows)) => match never {},
        };
        #[cfg(feature = "failpoints")]
        if published.is_ok() {
            failpoints::reach("events::published_before_mark_sent").await;
        }
        let now = self.store.clock().now();
        match published {
            Ok(receipt) => {
                let taken: HashSet<EventId> = receipt.taken.iter().copied().collect();
                let is_taken = |row: &&outbox::Model| taken.contains(&EventId(row.event_id));
                let sent = rows.iter().filter(is_taken).map(|row| row.seq).collect();
                self.settle(destination, &rows, &sent, now).await
            }
            Err(failure) => {
                self.fail(destination, &failure, now);
                // A destination that was not reached has not seen the batch, so that nothing is
                // wrong with it. Otherwise one of its events may be what broke the receiver: each
                // key waits for itself, and is sent by itself.
                if !failure.is_certainly_not_done() {
                    let first = batch::first_of_each_key(&rows);
                    let backoff = self.settings.relay_backoff;
                    rows::hold_back(&self.store, &first, &describe(&failure), backoff).await?;
                }
                Ok(Sent::Refused)
            }
        }
    }

    /// Forgets what was taken. What was not is sent again; the first of it waits, in case the
    /// receiver cannot get past it.
    async fn settle(
        &self,
        destination: &str,
        rows: &[outbox::Model],
        sent: &HashSet<i64>,
        now: Timestamp,
    ) -> Result<Sent, StoreError> {
        let in_order: Vec<i64> =
            rows.iter().map(|row| row.seq).filter(|seq| sent.contains(seq)).collect();
        rows::mark_sent(&self.store, &in_order, now).await?;
        if let Some(stuck) = rows.iter().find(|row| !sent.contains(&row.seq)) {
            let backoff = self.settings.relay_backoff;
            rows::hold_back(&self.store, &[stuck], "the receiver did not take it", backoff).await?;
        }
        if sent.is_empty() {
            self.fail(destination, &CallFailure::unavailable(destination), now);
            return Ok(Sent::Refused);
        }
        metrics::sent(self.store.module(), destination, sent.len());
        if self.destinations.recovered(destination) {
            tracing::info!(messaging.destination.name = destination, "events are taken again");
        }
        Ok(Sent::Taken(sent.len()))
    }

    fn fail(&self, destination: &str, failure: &CallFailure, now: Timestamp) {
        let backoff: Backoff = self.settings.relay_backoff;
        let failures = self.destinations.failed(destination, describe(failure), now, backoff);
        metrics::refused(self.store.module(), destination);
        // Once when it begins: an outage is one thing to know, however long it lasts.
        if failures == 1 {
            tracing::warn!(
                messaging.destination.name = destination,
                error = failure as &dyn std::error::Error,
                "events are not taken and will be sent again"
            );
        }
    }

    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        let sending = Sending::of(&envelopes, destination);
        let publishing = async {
            if destination == self.store.module() {
                return self.deliver_to_self(envelopes).await;
            }
            self.bus.publish(destination, envelopes).await
        };
        let site = Site { module: self.store.module(), work: Work::Job(RELAY) };
        let caught = caught(site, publishing);
        let published = match tokio::time::timeout(self.settings.publish_time, caught).await {
            Ok(Ok(published)) => published,
            Ok(Err(panic)) => {
                tracing::error!(
                    messaging.destination.name = destination,
                    exception.message = panic.message(),
                    error.place = panic.place(),
                    error.fingerprint = %panic.fingerprint(),
                    "the bus panicked"
                );
                Err(CallFailure::outcome_unknown(destination))
            }
            Err(_) => Err(CallFailure::deadline_exceeded(destination)),
        };
        sending.end(&published);
        published
    }

    async fn deliver_to_self(&self, envelopes: Vec<Envelope>) -> Result<Receipt, CallFailure> {
        let principal = Principal::service(self.store.module());
        let ctx = CallContext::new(principal, CallId::random(), self.settings.publish_time);
        let delivered = self.own.deliver(&ctx, EventBatch { envelopes }).await;
        delivered.map_err(|error| error.into_failure(self.store.module()))
    }
}
