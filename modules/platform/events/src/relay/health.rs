//! Which destinations cannot be reached, and when they are tried again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kernel::Timestamp;
use seam::resilience::Backoff;
use serde::Serialize;

/// A destination that does not take events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Trouble {
    pub(crate) since: Timestamp,
    pub(crate) failures: u32,
    pub(crate) last_error: String,
    next_attempt_at: Timestamp,
}

/// The destinations with trouble. Kept in memory: it spares a write to the store for each attempt
/// at a destination that is down, and a new process may well try at once.
#[derive(Default)]
pub(super) struct Destinations(Mutex<HashMap<String, Trouble>>);

impl Destinations {
    /// Whether its wait is over. One longer than `backoff` ever makes it was set by a clock that was
    /// ahead.
    pub(super) fn may_be_tried(&self, destination: &str, now: Timestamp, backoff: Backoff) -> bool {
        let longest = now + backoff.cap * 2;
        self.lock().get(destination).is_none_or(|trouble| {
            trouble.next_attempt_at <= now || trouble.next_attempt_at > longest
        })
    }

    /// Notes a failure; returns how many there have been in a row.
    pub(super) fn failed(
        &self,
        destination: &str,
        error: String,
        now: Timestamp,
        backoff: Backoff,
    ) -> u32 {
        let mut troubles = self.lock();
        let trouble = troubles.entry(destination.to_owned()).or_insert_with(|| Trouble {
            since: now,
            failures: 0,
            last_error: String::new(),
            next_attempt_at: now,
        });
        trouble.failures = trouble.failures.saturating_add(1);
        trouble.last_error = error;
        trouble.next_attempt_at = now + wait(backoff, trouble.failures);
        trouble.failures
    }

    /// Notes a success; `true` where it ends a trouble.
    pub(super) fn recovered(&self, destination: &str) -> bool {
        self.lock().remove(destination).is_some()
    }

    pub(super) fn trouble(&self, destination: &str) -> Option<Trouble> {
        self.lock().get(destination).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Jitter may draw a wait of nothing; a relay that waits for nothing would spin.
pub(super) fn wait(backoff: Backoff, failures: u32) -> Duration {
    backoff.wait(failures).max(Duration::from_millis(1))
}
