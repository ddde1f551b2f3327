use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

/// What an operator wants to know of the broker, as this program sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokerState {
    /// The connection for publications.
    pub publishing: LinkState,
    /// The connection for what comes in.
    pub consuming: LinkState,
    /// How many publications came back since the program started, for want of a queue. They stay
    /// in the outbox.
    pub unroutable: u64,
    /// The modules whose last publication came back. Alarm where this stays: a module that was
    /// never started here, or whose queue was deleted.
    pub unroutable_now: Vec<String>,
    /// What comes in for each module that consumes in this program.
    pub feeds: BTreeMap<String, FeedState>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// Nobody has asked for it yet.
    Unused,
    /// It is there.
    Up,
    /// It is there, and the broker is short of memory or disk.
    Blocked,
    /// It is not.
    Down {
        /// How many attempts in a row were in vain; none where it broke since it was last asked
        /// for.
        failures: u32,
    },
}

/// What a feed does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FeedState {
    /// Whether it is connected to its queue.
    pub consuming: bool,
    /// What keeps it from its queue, or its inbox from taking.
    pub trouble: Option<String>,
    /// How many messages it has in hand.
    pub in_hand: usize,
    /// How many envelopes the inbox took since the program started.
    pub taken: u64,
    /// How many messages were no envelopes, and went to the dead letters.
    pub rejected: u64,
}

/// A [`FeedState`] as its feed writes it.
#[derive(Debug, Default)]
pub(crate) struct FeedStatus(Mutex<FeedState>);

impl FeedStatus {
    pub(crate) fn read(&self) -> FeedState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut FeedState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
