use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Stops sending to a remote that fails, and lets one call through now and then to see whether it
/// has healed.
#[derive(Debug)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        openings: u32,
    },
    /// One probe is out, since `since`.
    HalfOpen {
        since: Instant,
        openings: u32,
    },
}

/// What the breaker says of a call that is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Send it, and report how it went.
    Send,
    /// Do not: the remote is taken to be down.
    Refuse,
}

impl Breaker {
    /// It opens after so many failures in a row.
    pub const THRESHOLD: u32 = 5;
    /// How long it stays open the first time; it doubles up to [`Breaker::LONGEST`].
    pub const FIRST: Duration = Duration::from_millis(250);
    /// The longest time between two probes.
    pub const LONGEST: Duration = Duration::from_secs(2);
    /// A probe whose caller went away without a report is given up after so long.
    const PROBE_LOST: Duration = Duration::from_secs(5);

    /// Starts closed.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Asks whether a call may be sent at `now`.
    #[must_use]
    pub fn permit(&self, now: Instant) -> Permit {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => Permit::Send,
            State::Open { until, openings } if now >= until => {
                *state = State::HalfOpen { since: now, openings };
                Permit::Send
            }
            State::HalfOpen { since, openings }
                if now.saturating_duration_since(since) >= Self::PROBE_LOST =>
            {
                *state = State::HalfOpen { since: now, openings };
                Permit::Send
            }
            State::Open { .. } | State::HalfOpen { .. } => Permit::Refuse,
        }
    }

    /// Whether the remote would be sent to at `now`; unlike [`Breaker::permit`], takes no probe.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(*self.lock(), State::Closed { .. })
    }

    /// The remote answered, whatever it said.
    pub fn succeeded(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// The remote could not be reached, or broke the connection.
    pub fn failed(&self, now: Instant) {
        let mut state = self.lock();
        let openings = match *state {
            State::Closed { failures } if failures + 1 < Self::THRESHOLD => {
                *state = State::Closed { failures: failures + 1 };
                return;
            }
            State::Closed { .. } => 0,
            // A call that was sent before the breaker opened says nothing new.
            State::Open { .. } => return,
            State::HalfOpen { openings, .. } => openings + 1,
        };
        let pause = Self::FIRST.saturating_mul(1 << openings.min(10)).min(Self::LONGEST);
        *state = State::Open { until: now + pause, openings };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened_at(now: Instant) -> Breaker {
        let breaker = Breaker::new();
        for _ in 0..Breaker::THRESHOLD {
            assert_eq!(breaker.permit(now), Permit::Send);
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let now = Instant::now();
        let breaker = Breaker::new();
        for _ in 0..Breaker::THRESHOLD * 3 {
            breaker.failed(now);
            breaker.succeeded();
        }
        assert_eq!(breaker.permit(now), Permit::Send);
        assert_eq!(opened_at(now).permit(now), Permit::Refuse);
    }

    #[test]
    fn lets_one_probe_through_and_closes_on_its_success() {
        let now = Instant::now();
        let breaker = opened_at(now);
        let later = now + Breaker::FIRST;
        assert_eq!(breaker.permit(later), Permit::Send);
        assert_eq!(breaker.permit(later), Permit::Refuse);
        breaker.succeeded();
        assert_eq!(breaker.permit(later), Permit::Send);
        assert!(breaker.is_closed());
    }

    #[test]
    fn waits_longer_after_each_failed_probe_up_to_a_bound() {
        let mut now = Instant::now();
        let breaker = opened_at(now);
        let mut pause = Breaker::FIRST;
        for _ in 0..8 {
            assert_eq!(breaker.permit(now + pause - Duration::from_millis(1)), Permit::Refuse);
            now += pause;
            assert_eq!(breaker.permit(now), Permit::Send);
            breaker.failed(now);
            pause = (pause * 2).min(Breaker::LONGEST);
        }
    }

    #[test]
    fn a_probe_that_never_reports_does_not_close_the_door_for_good() {
        let now = Instant::now();
        let breaker = opened_at(now);
        let probe = now + Breaker::FIRST;
        assert_eq!(breaker.permit(probe), Permit::Send);
        assert_eq!(breaker.permit(probe + Breaker::PROBE_LOST), Permit::Send);
    }
}
