//! Hands the outbox over: to each destination in the order of each key, and to each as if it were
//! the only one.

mod batch;
mod floors;
mod health;
mod lanes;
#[cfg(feature = "failpoints")]
mod poison;
mod rows;
mod sending;
mod spans;

use std::{collections::BTreeSet, sync::Arc};

use seam::{EventBus, EventInbox};
use storage::{Store, StoreError, tables::outbox};
use tokio_util::sync::CancellationToken;

use self::{floors::Floors, health::Destinations, lanes::Lanes};
use crate::EngineSettings;

pub(crate) use self::{health::Trouble, rows::backlog};

/// How many batches are read at once. More would save little, and take memory.
const BATCHES_AHEAD: u64 = 8;

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
