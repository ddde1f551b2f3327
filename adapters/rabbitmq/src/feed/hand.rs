//! What a feed has in hand: messages that the broker has given and not yet been told to forget.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use kernel::{Envelope, EventId};
use seam::resilience::Backoff;
use tokio::time::Instant;

/// What [`seam::EventBatch`] holds at most.
const LONGEST_BATCH: usize = 500;

/// Messages in the order in which they came.
pub(super) struct Hand {
    held: VecDeque<Held>,
    /// Ordering keys whose first message the inbox did not take while it took others.
    aside: HashMap<String, Wait>,
    /// Set where the inbox takes nothing at all.
    pause: Wait,
    backoff: Backoff,
}

struct Held {
    tag: u64,
    envelope: Envelope,
}

#[derive(Clone, Copy, Default)]
struct Wait {
    failures: u32,
    until: Option<Instant>,
}

/// What the broker is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    /// This message, and all before it.
    UpTo(u64),
    /// This message alone.
    One(u64),
}

impl Hand {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { held: VecDeque::new(), aside: HashMap::new(), pause: Wait::default(), backoff }
    }

    /// A message came. `tag` is higher than any before.
    pub(super) fn take(&mut self, tag: u64, envelope: Envelope) {
        self.held.push_back(Held { tag, envelope });
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether a batch would not grow any more.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= LONGEST_BATCH
    }

    /// What the inbox is to be asked to take now, in order.
    pub(super) fn ready(&self, now: Instant) -> Vec<Envelope> {
        if self.pause.is_on(now) { Vec::new() } else { self.batch(now, "") }
    }

    /// The same without the events of `key`: whether the inbox takes these tells whose fault it
    /// was that it took nothing.
    pub(super) fn ready_without(&self, key: &str, now: Instant) -> Vec<Envelope> {
        self.batch(now, key)
    }

    fn batch(&self, now: Instant, without: &str) -> Vec<Envelope> {
        let is_ready = |envelope: &&Envelope| {
            let key = envelope.aggregate.ordering_key();
            key != without && !self.aside.get(&key).is_some_and(|wait| wait.is_on(now))
        };
        let envelopes = self.held.iter().map(|held| &held.envelope);
        envelopes.filter(is_ready).take(LONGEST_BATCH).cloned().collect()
    }

    /// When something that waits now is to be tried again.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        if self.held.is_empty() {
            None
        } else if self.pause.is_on(now) {
            self.pause.until
        } else {
            self.aside.values().filter_map(|wait| wait.until).min()
        }
    }

    /// The inbox took these, and therefore works.
    pub(super) fn settle(&mut self, taken: &HashSet<EventId>) -> Vec<Ack> {
        self.pause = Wait::default();
        let mut acks = Vec::new();
        while let Some(first) = self.held.pop_front_if(|held| taken.contains(&held.envelope.id)) {
            // One acknowledgement stands for all of an unbroken run.
            acks = vec![Ack::UpTo(first.tag)];
            self.aside.remove(&first.envelope.aggregate.ordering_key());
        }
        let aside = &mut self.aside;
        self.held.retain(|held| {
            let is_taken = taken.contains(&held.envelope.id);
            if is_taken {
                acks.push(Ack::One(held.tag));
                aside.remove(&held.envelope.aggregate.ordering_key());
            }
            !is_taken
        });
        acks
    }

    /// The inbox does not get past the first event of `key`, although it works.
    pub(super) fn set_aside(&mut self, key: String, now: Instant) {
        self.aside.entry(key).or_default().begin(now, self.backoff);
    }

    /// The inbox takes nothing. Says for how long nothing is asked of it.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        self.pause.begin(now, self.backoff)
    }

    /// Whether this is the first pause of its spell.
    pub(super) const fn has_just_paused(&self) -> bool {
        self.pause.failures == 1
    }

    /// Whether the inbox took nothing when it was last asked.
    pub(super) const fn is_paused(&self) -> bool {
        self.pause.failures > 0
    }
}

impl Wait {
    fn begin(&mut self, now: Instant, backoff: Backoff) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = backoff.wait(self.failures);
        self.until = Some(now + wait);
        wait
    }

    fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}
