//! Hands the outbox over: to each destination in the order of each key, and to each as if it were
//! the only one.

mod batch;
mod floors;
mod health;
mod lanes;
#[cfg(feature = "failpoints")]
mod poison;
mod rows;
mod spans;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use kernel::{CallContext, CallId, Envelope, EventId, Principal, Timestamp};
use seam::{CallFailure, EventBatch, EventBus, EventInbox, Receipt, resilience::Backoff};
use storage::{Store, StoreError, tables::outbox};
use telemetry::errors::{Site, Work, caught, unexpected_at};
use tokio_util::sync::CancellationToken;

use self::{floors::Floors, health::Destinations, lanes::Lanes, spans::Sending};
use crate::{EngineSettings, history::describe, metrics};

pub(crate) use self::{health::Trouble, rows::backlog};

/// How many batches are read at once. More would save little, and take memory.
const BATCHES_AHEAD: u64 = 8;

/// What a relay's faults are faults of.
const RELAY: &str = "relay";

/// A module's relay. Several may work on one outbox.
pub(crate) struct Relay {
    store: Store,
    bus: Arc<dyn EventBus>,
    /// The module's own inbox, which what was scheduled goes to without a bus.
    own: Arc<dyn EventInbox>,
    settings: EngineSettings,
    lanes: Lanes,
    floors: Floors,
    destinations: Destinations,
}

/// How a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// There was none.
    Nothing,
    /// So many of it were taken.
    Taken(usize),
    /// None was.
    Refused,
}

impl Relay {
    pub(crate) fn new(
        store: Store,
        bus: Arc<dyn EventBus>,
        own: Arc<dyn EventInbox>,
        settings: EngineSettings,
    ) -> Self {
        let lanes = Lanes::new(store.clone(), &settings);
        Self {
            store,
            bus,
            own,
            settings,
            lanes,
            floors: Floors::default(),
            destinations: Destinations::default(),
        }
    }

    /// The destinations that something is to be sent to now, apart from those `in_hand`.
    pub(crate) async fn due_destinations(
        &self,
        in_hand: &BTreeSet<String>,
    ) -> Result<Vec<String>, StoreError> {
        let (now, backoff) = (self.store.clock().now(), self.settings.relay_backoff);
        let due = rows::due_destinations(&self.store, in_hand, now, backoff).await?;
        for (destination, seq) in &due {
            self.floors.saw(destination, *seq);
        }
        Ok(due.into_iter().map(|(destination, _)| destination).collect())
    }

    /// Whether `destination` is not known to be out of reach.
    pub(crate) fn may_try(&self, destination: &str) -> bool {
        let (now, backoff) = (self.store.clock().now(), self.settings.relay_backoff);
        self.destinations.may_be_tried(destination, now, backoff)
    }

    /// Sends what is due for `destination`, until nothing is, it cannot be reached, or `stop` is
    /// cancelled between two batches.
    pub(crate) async fn send_all(
        &self,
        destination: &str,
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        let (mut taken, mut ahead) = (0, Vec::new());
        while !stop.is_cancelled() {
            match self.send_batch(destination, &mut ahead).await? {
                Sent::Taken(rows) => taken += rows,
                Sent::Nothing | Sent::Refused => break,
            }
        }
        Ok(taken)
    }

    /// Ends the leases of relays that are no more.
    pub(crate) async fn inherit_lanes(&self) -> Result<(), StoreError> {
        self.lanes.clear().await
    }

    /// Gives all lanes back, so that another relay need not wait for the leases to end.
    pub(crate) async fn release_lanes(&self) -> Result<(), StoreError> {
        self.lanes.release().await
    }

    /// What the relay knows of a destination that it has trouble with.
    pub(crate) fn trouble(&self, destination: &str) -> Option<Trouble> {
        self.destinations.trouble(destination)
    }

    /// Sends what is next. `ahead` is what was read and not sent yet.
    async fn send_batch(
        &self,
        destination: &str,
        ahead: &mut Vec<outbox::Model>,
    ) -> Result<Sent, StoreError> {
        let batch = self.next_batch(destination, ahead).await?;
        if batch.is_empty() {
            return Ok(Sent::Nothing);
        }
        let whole = Sent::Taken(batch.len());
        let sent = self.send(destination, batch).await?;
        if sent != whole {
            // What was not taken goes before what is behind it.
            ahead.clear();
        }
        Ok(sent)
    }

    async fn send(&self, destination: &str, batch: Vec<outbox::Model>) -> Result<Sent, StoreError> {
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

    /// What goes at once of what is due for `destination`, in lanes that are this relay's.
    ///
    /// More than that is read, and kept in `ahead`: where somebody holds a transaction open, what
    /// was sent long ago stands in the way of each reading. All of it was seen at one instant, so
    /// that no row of a key is missing before another; and nobody else sends it, for as long as the
    /// leases of its lanes last. What was sent twice after a longer pause the inbox knows.
    async fn next_batch(
        &self,
        destination: &str,
        ahead: &mut Vec<outbox::Model>,
    ) -> Result<Vec<outbox::Model>, StoreError> {
        let now = self.store.clock().now();
        if ahead.is_empty() || !self.lanes.are_held(&batch::lanes_of(ahead), now) {
            *ahead = self.due_in_held_lanes(destination).await?;
        }
        Ok(batch::take(ahead, self.settings.batch as usize))
    }

    /// What is due for `destination` in lanes that are this relay's.
    async fn due_in_held_lanes(&self, destination: &str) -> Result<Vec<outbox::Model>, StoreError> {
        let limit = u64::from(self.settings.batch) * BATCHES_AHEAD;
        let backoff = self.settings.relay_backoff;
        loop {
            let now = self.store.clock().now();
            let others = self.lanes.of_others(now);
            let due = rows::Due { destination, from: self.floors.of(destination), others: &others };
            let due = rows::due(&self.store, due, now, backoff, limit).await?;
            let needed = batch::lanes_of(&due);
            if self.lanes.are_held(&needed, now) {
                if let Some(first) = due.first()
                    && let Err(error) = self.floors.raise(&self.store, destination, first.seq).await
                {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "where unsent rows begin was not looked up, and is another time"
                    );
                }
                return Ok(due);
            }
            // Each round either holds all that it needs or learns of another lane that is not to
            // be had. Rows are read again after a lease is taken: their former relay may have sent
            // them just before it ended.
            self.lanes.take(&needed, now).await?;
        }
    }
}
