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

#[cfg(test)]
mod tests {
    use kernel::Aggregate;
    use uuid::Uuid;

    use super::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(4) };

    /// The `n`th event of an aggregate; its tag is `10 * aggregate + n`.
    fn event(aggregate: u64, n: u64) -> (u64, Envelope) {
        let tag = 10 * aggregate + n;
        let envelope = Envelope {
            id: EventId(Uuid::from_u128(tag.into())),
            event_type: "counter.counted".to_owned(),
            version: 1,
            source: "counter".to_owned(),
            tenant: None,
            aggregate: Aggregate::new("counter", Uuid::from_u128(aggregate.into()), 1),
            occurred_at: testing::noon(),
            traceparent: None,
            payload: serde_json::Value::Null,
        };
        (tag, envelope)
    }

    fn holding(events: &[(u64, u64)]) -> Hand {
        let mut hand = Hand::new(BACKOFF);
        for &(aggregate, n) in events {
            let (tag, envelope) = event(aggregate, n);
            hand.take(tag, envelope);
        }
        hand
    }

    fn key(aggregate: u64) -> String {
        event(aggregate, 1).1.aggregate.ordering_key()
    }

    fn taken(tags: &[u64]) -> HashSet<EventId> {
        tags.iter().map(|tag| EventId(Uuid::from_u128((*tag).into()))).collect()
    }

    fn tags(envelopes: &[Envelope]) -> Vec<u128> {
        envelopes.iter().map(|envelope| envelope.id.0.as_u128()).collect()
    }

    #[test]
    fn an_unbroken_run_is_one_acknowledgement() {
        let mut hand = holding(&[(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]);
        assert_eq!(hand.settle(&taken(&[11, 12, 22])), [Ack::UpTo(12), Ack::One(22)]);
        assert_eq!(tags(&hand.ready(Instant::now())), [21, 31]);
        assert_eq!(hand.settle(&taken(&[21, 31])), [Ack::UpTo(31)]);
        assert_eq!(hand.len(), 0);
    }

    #[test]
    fn an_event_that_came_twice_is_settled_as_often() {
        let mut hand = holding(&[(1, 1), (2, 1)]);
        let (_, again) = event(1, 1);
        hand.take(99, again);
        assert_eq!(hand.settle(&taken(&[11])), [Ack::UpTo(11), Ack::One(99)]);
    }

    #[test]
    fn a_key_that_is_aside_waits_alone_and_longer_each_time() {
        let now = Instant::now();
        let mut hand = holding(&[(1, 1), (2, 1), (1, 2), (3, 1)]);
        assert_eq!(tags(&hand.ready_without(&key(1), now)), [21, 31]);
        hand.set_aside(key(1), now);
        let until = hand.wakes_at(now).expect("it is tried again");
        assert!(until <= now + BACKOFF.bound(1));
        assert_eq!(hand.settle(&taken(&[21, 31])), [Ack::One(21), Ack::One(31)]);
        assert_eq!(tags(&hand.ready(until)), [11, 12]);
        for failures in 2..10 {
            hand.set_aside(key(1), now);
            let until = hand.wakes_at(now).expect("it is tried again");
            assert!(until <= now + BACKOFF.bound(failures));
        }
        assert_eq!(hand.settle(&taken(&[11])), [Ack::UpTo(11)]);
        assert_eq!(tags(&hand.ready(now)), [12], "it waits no more");
    }

    #[test]
    fn a_pause_holds_everything_until_it_is_over_or_something_is_taken() {
        let now = Instant::now();
        let mut hand = holding(&[(1, 1), (2, 1)]);
        hand.set_aside(key(1), now);
        hand.pause(now);
        assert!(hand.has_just_paused() && hand.is_paused());
        hand.pause(now);
        assert!(!hand.has_just_paused() && hand.is_paused());
        let until = hand.wakes_at(now).expect("it is tried again");
        if until > now {
            assert_eq!(tags(&hand.ready(now)), []);
        }
        assert_eq!(tags(&hand.ready(now + BACKOFF.cap)), [11, 21]);
        hand.settle(&taken(&[21]));
        assert!(!hand.is_paused());
    }

    #[test]
    fn an_empty_hand_waits_for_nothing_but_messages() {
        let mut hand = holding(&[(1, 1)]);
        hand.set_aside(key(1), Instant::now());
        hand.settle(&taken(&[11]));
        assert_eq!(hand.wakes_at(Instant::now()), None);
        assert!(hand.ready(Instant::now()).is_empty());
    }
}
