//! Buckets of one process.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use kernel::Clock;
use seam::async_trait;

use super::{
    gcra::Quota,
    store::{Decision, RateLimitStore, StoreUnreachable},
};

/// Keeps its buckets in memory: exact for one process, and for each of several on its own.
///
/// **Memory.** A key that is not used for twice the longest window is dropped, and there are never
/// more than [`InProcessLimits::MOST_KEYS`]: about 10 MB with keys as long as ours. Should so many
/// be in use at once, those that were not used for the longest time are forgotten, and their owners
/// start afresh.
pub struct InProcessLimits {
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// Enough that two workers seldom want the same one.
const SHARDS: usize = 16;

impl InProcessLimits {
    /// The most keys that are kept at once.
    pub const MOST_KEYS: usize = 65_536;

    /// Starts without any. Time is `clock`'s.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, hasher: RandomState::new(), shards: Default::default() }
    }

    /// How many keys are kept.
    #[must_use]
    pub fn keys(&self) -> usize {
        let kept = |shard: &Mutex<Shard>| {
            let shard = lock(shard);
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(kept).sum()
    }

    /// As [`RateLimitStore::take`], which here cannot fail and waits for nothing.
    pub fn take_now(&self, key: &str, quota: Quota) -> Decision {
        let now = self.clock.now().to_offset_date_time().unix_timestamp_nanos() / 1_000;
        // The calendar ends long before the microseconds of an `i64` do.
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        // The upper half of the hash: the map itself uses the lower one of another.
        let position = (self.hasher.hash_one(key) >> 32) as usize % SHARDS;
        lock(&self.shards[position]).take(key, quota, now)
    }
}

#[async_trait]
impl RateLimitStore for InProcessLimits {
    async fn take(&self, key: &str, quota: Quota) -> Result<Decision, StoreUnreachable> {
        Ok(self.take_now(key, quota))
    }
}

/// Two generations of buckets, in microseconds of the clock. One that is used moves to the young
/// generation; when that is full or as old as the longest window, the old one is dropped. What is
/// dropped for its age was full again, so nothing is forgotten that mattered.
#[derive(Default)]
struct Shard {
    young: HashMap<Box<str>, i64>,
    old: HashMap<Box<str>, i64>,
    /// Since when there is the young one.
    since: i64,
    /// The longest window of the quotas seen.
    window: i64,
}

impl Shard {
    const MOST_YOUNG: usize = InProcessLimits::MOST_KEYS / SHARDS / 2;

    fn take(&mut self, key: &str, quota: Quota, now: i64) -> Decision {
        self.window = self.window.max(quota.window().as_micros().try_into().unwrap_or(i64::MAX));
        // A clock that was set back makes the young generation old, too.
        let of_age = !(self.since..self.since.saturating_add(self.window)).contains(&now);
        if of_age || self.young.len() >= Self::MOST_YOUNG {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        if let Some(full_at) = self.young.get_mut(key) {
            let (decision, after) = quota.take(Some(*full_at), now);
            *full_at = after;
            return decision;
        }
        let (key, full_at) = match self.old.remove_entry(key) {
            Some((key, full_at)) => (key, Some(full_at)),
            None => (key.into(), None),
        };
        let (decision, after) = quota.take(full_at, now);
        self.young.insert(key, after);
        decision
    }
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kernel::{ManualClock, SystemClock};

    use super::*;

    fn limits() -> (InProcessLimits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        (InProcessLimits::new(Arc::clone(&clock) as _), clock)
    }

    const QUOTA: Quota = match Quota::per_minute(2, 60) {
        Ok(quota) => quota,
        Err(_) => panic!("within bounds"),
    };

    #[test]
    fn keys_that_nobody_uses_are_dropped() {
        let (limits, clock) = limits();
        let take = |name: &str| {
            for n in 0..2_000 {
                limits.take_now(&format!("{name}/{n}"), QUOTA);
            }
        };
        take("idle");
        for _ in 0..2 {
            clock.advance(QUOTA.window());
            take("busy");
        }
        assert_eq!(limits.keys(), 2_000, "the idle ones are gone");
    }

    #[test]
    fn a_key_in_use_outlives_the_generations() {
        let (limits, clock) = limits();
        let slow = Quota::per_minute(100, 1).expect("within bounds");
        for n in 0..100_u32 {
            let decision = limits.take_now("slow", slow);
            assert!(matches!(decision, Decision::Allowed { .. }), "{n}");
            clock.advance(Duration::from_micros(1));
        }
        clock.advance(Duration::from_secs(99 * 60));
        let decision = limits.take_now("slow", slow);
        assert!(matches!(decision, Decision::Allowed { remaining: 98, .. }), "{decision:?}");
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let (limits, _) = limits();
        for n in 0..InProcessLimits::MOST_KEYS * 2 {
            limits.take_now(&format!("key/{n}"), QUOTA);
            // The newest is among those that are kept.
            let second = limits.take_now(&format!("key/{n}"), QUOTA);
            assert!(matches!(second, Decision::Allowed { remaining: 0, .. }), "{n}: {second:?}");
        }
        let kept = limits.keys();
        assert!(
            (InProcessLimits::MOST_KEYS / 2..=InProcessLimits::MOST_KEYS).contains(&kept),
            "{kept}"
        );
    }
}
