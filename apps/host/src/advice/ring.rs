//! What is kept of samples: all of late, and of the rest of the hour one in a while.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Values and when each was taken, the oldest first. Of those older than `LATELY` only one is kept for
/// each `APART`: a window of an hour need not begin to the second, and a sample of a program with many
/// routes is tens of kilobytes.
#[derive(Debug)]
pub(super) struct Ring<T> {
    /// Some that are older, at least `APART` one from the next.
    old: VecDeque<(Instant, T)>,
    late: VecDeque<(Instant, T)>,
}

/// What is younger is kept whole.
const LATELY: Duration = Duration::from_secs(300);
/// How far apart the older ones are.
const APART: Duration = Duration::from_secs(60);
/// What is older than this is of no use.
const OLDEST: Duration = super::LONGEST;

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { old: VecDeque::new(), late: VecDeque::new() }
    }
}

impl<T> Ring<T> {
    /// Keeps what was taken at `now`, which is later than all that is kept.
    pub(super) fn keep(&mut self, now: Instant, value: T) {
        let age = |at: Instant| now.saturating_duration_since(at);
        while let Some(aged) = self.late.pop_front_if(|(at, _)| age(*at) > LATELY) {
            let last = self.old.back().map(|(at, _)| *at);
            if last.is_none_or(|last| aged.0.saturating_duration_since(last) >= APART) {
                self.old.push_back(aged);
            }
        }
        while self.old.pop_front_if(|(at, _)| age(*at) > OLDEST).is_some() {}
        self.late.push_back((now, value));
    }

    /// The oldest that was taken within `window` before `now`; the youngest, where none was.
    pub(super) fn earliest(&self, now: Instant, window: Duration) -> Option<&T> {
        let is_within = |(at, _): &&(Instant, T)| now.saturating_duration_since(*at) <= window;
        let mut all = self.old.iter().chain(&self.late);
        let found = all.find(is_within).or_else(|| self.late.back());
        found.map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A value every ten seconds, for as long as `kept`; each is when it was taken.
    fn kept(begin: Instant, kept: u64) -> Ring<u64> {
        let mut ring = Ring::default();
        for at in (0..=kept).step_by(10) {
            ring.keep(begin + seconds(at), at);
        }
        ring
    }

    #[test]
    fn a_window_begins_with_the_oldest_that_lies_in_it() {
        let (begin, now) = (Instant::now(), seconds(7_200));
        let ring = kept(begin, 7_200);
        let earliest = |window| ring.earliest(begin + now, seconds(window)).copied();
        assert_eq!(earliest(0), Some(7_200));
        assert_eq!(earliest(60), Some(7_140));
        assert_eq!(earliest(300), Some(6_900));
        // From here on, within a minute.
        assert!((5_400..5_460).contains(&earliest(1_800).expect("a sample")));
        assert!((3_600..3_660).contains(&earliest(3_600).expect("a sample")));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let ring = kept(Instant::now(), 100_000);
        assert!(ring.old.len() + ring.late.len() <= 31 + 56, "{ring:?}");
    }

    #[test]
    fn a_window_that_holds_nothing_begins_with_the_last() {
        let begin = Instant::now();
        assert_eq!(Ring::<u64>::default().earliest(begin, seconds(60)), None);
        let ring = kept(begin, 100);
        assert_eq!(ring.earliest(begin + seconds(400), seconds(60)), Some(&100));
    }
}
