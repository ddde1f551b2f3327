//! How much is told: a fault that comes a thousand times a second is one fault.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::Fingerprint;

/// Faults that are alike, and told within a minute, at the most.
pub const MOST_ALIKE: u32 = 5;

/// Faults that are told within a minute, at the most, however different they are.
pub const MOST_OF_ALL: u32 = 100;

/// Fingerprints that are remembered: some 50 KB. Of those beyond, nothing is told until one is
/// forgotten.
const MOST_KNOWN: usize = 1_000;

const MINUTE: Duration = Duration::from_secs(60);

/// What was told lately.
#[derive(Debug)]
pub(super) struct Rate {
    all: Window,
    alike: HashMap<Fingerprint, Alike>,
}

/// The minute that began with a fault.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    told: u32,
}

#[derive(Debug)]
struct Alike {
    window: Window,
    suppressed: u64,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Self {
        Self { all: Window::at(now), alike: HashMap::new() }
    }

    /// Whether a fault is told, and then how many alike were not since the last that was.
    pub(super) fn admit(&mut self, fingerprint: Fingerprint, now: Instant) -> Option<u64> {
        self.all.move_to(now);
        if !self.alike.contains_key(&fingerprint) {
            self.make_room(now);
            if self.alike.len() >= MOST_KNOWN {
                return None;
            }
        }
        let new = || Alike { window: Window::at(now), suppressed: 0 };
        let alike = self.alike.entry(fingerprint).or_insert_with(new);
        alike.window.move_to(now);
        if alike.window.told >= MOST_ALIKE || self.all.told >= MOST_OF_ALL {
            alike.suppressed += 1;
            return None;
        }
        alike.window.told += 1;
        self.all.told += 1;
        Some(std::mem::take(&mut alike.suppressed))
    }

    /// Forgets what has not come for a minute, where there is much.
    fn make_room(&mut self, now: Instant) {
        if self.alike.len() >= MOST_KNOWN {
            self.alike.retain(|_, alike| !alike.window.is_over(now));
        }
    }
}

impl Window {
    const fn at(now: Instant) -> Self {
        Self { since: now, told: 0 }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MINUTE
    }

    fn move_to(&mut self, now: Instant) {
        if self.is_over(now) {
            *self = Self::at(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::{ErrorKind, desk::Fault};

    fn fingerprint(place: usize) -> Fingerprint {
        Fingerprint::of(&Fault {
            kind: ErrorKind::Panic,
            module: "billing",
            message: String::new(),
            causes: Vec::new(),
            place: place.to_string(),
        })
    }

    #[test]
    fn a_flood_of_one_fault_is_told_a_few_times_and_then_counted() {
        let begun = Instant::now();
        let mut rate = Rate::new(begun);
        let one = fingerprint(1);
        let told = (0..1_000).filter(|_| rate.admit(one, begun).is_some()).count();
        assert_eq!(told, MOST_ALIKE as usize);
        assert_eq!(rate.admit(fingerprint(2), begun), Some(0), "another is told");
        assert_eq!(rate.admit(one, begun + MINUTE - Duration::from_millis(1)), None);
        let left_out = 1_000 - u64::from(MOST_ALIKE) + 1;
        assert_eq!(rate.admit(one, begun + MINUTE), Some(left_out));
        assert_eq!(rate.admit(one, begun + MINUTE), Some(0), "it was said");
    }

    #[test]
    fn a_flood_of_different_faults_is_bounded_too() {
        let begun = Instant::now();
        let mut rate = Rate::new(begun);
        let told = (0..10 * MOST_KNOWN).filter(|&n| rate.admit(fingerprint(n), begun).is_some());
        assert_eq!(told.count(), MOST_OF_ALL as usize);
        assert_eq!(rate.alike.len(), MOST_KNOWN);
        assert_eq!(rate.admit(fingerprint(20_000), begun + MINUTE), Some(0));
        assert_eq!(rate.alike.len(), 1, "what has not come for a minute is forgotten");
    }
}
