//! The generic cell rate algorithm (ITU-T I.371, annex A.1, as a virtual schedule): a bucket of
//! which one number is kept, the time at which it will be full again.

use std::time::Duration;

use super::store::Decision;

/// How much somebody may do: `burst` requests at once, and one more for each interval that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    burst: u32,
    /// Microseconds.
    interval: u64,
}

impl Quota {
    /// The largest burst.
    pub const MOST_BURST: u32 = 1_000_000;
    /// The largest rate, in requests a minute.
    pub const MOST_PER_MINUTE: u32 = 6_000_000;
    /// The longest time that an empty bucket may take to fill: a store keeps a key so long.
    pub const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3_600);

    /// `burst` at once, and `rate` a minute in the long run.
    ///
    /// # Errors
    /// A number that is zero or out of bounds, or a bucket that takes more than a day to fill.
    pub const fn per_minute(burst: u32, rate: u32) -> Result<Self, QuotaError> {
        if burst == 0 || burst > Self::MOST_BURST {
            return Err(QuotaError::Burst);
        }
        if rate == 0 || rate > Self::MOST_PER_MINUTE {
            return Err(QuotaError::Rate);
        }
        // Rounded up: the rate is never more than what was said.
        let quota = Self { burst, interval: 60_000_000_u64.div_ceil(rate as u64) };
        if quota.window_micros() > Self::LONGEST_WINDOW.as_micros() as u64 {
            return Err(QuotaError::Window);
        }
        Ok(quota)
    }

    /// Requests at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// The time after which one more request is allowed.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_micros(self.interval)
    }

    /// The time that an empty bucket takes to fill: `burst` requests in each such time, for ever, is
    /// the rate.
    #[must_use]
    pub const fn window(self) -> Duration {
        Duration::from_micros(self.window_micros())
    }

    const fn window_micros(self) -> u64 {
        self.burst as u64 * self.interval
    }

    /// Decides on one request at `now`, in microseconds of any epoch, where the bucket is full
    /// again at `full_at`, and says when it is then. A refused request takes nothing.
    ///
    /// A `full_at` that is further away than an empty bucket's comes of a clock that was set back,
    /// or of a quota that was larger: it counts as an empty bucket, so that the longest wait is one
    /// interval and not the step of the clock.
    pub(crate) fn take(self, full_at: Option<i64>, now: i64) -> (Decision, i64) {
        let (interval, window) = (self.interval.cast_signed(), self.window_micros().cast_signed());
        let before = full_at.unwrap_or(now).clamp(now, now.saturating_add(window));
        let after = before.saturating_add(interval);
        let over = after.saturating_sub(now) - window;
        if over > 0 {
            return (Decision::Limited { retry_after: micros(over) }, before);
        }
        // No more than `burst`, which is a `u32`.
        let remaining = u32::try_from(-over / interval).unwrap_or(u32::MAX);
        (Decision::Allowed { remaining, reset: micros(after - now) }, after)
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}

/// Why there is no such quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// The burst is zero or too large.
    #[error("a burst is between 1 and {}", Quota::MOST_BURST)]
    Burst,
    /// The rate is zero or too large.
    #[error("a rate is between 1 and {} a minute", Quota::MOST_PER_MINUTE)]
    Rate,
    /// The bucket fills too slowly.
    #[error("a burst comes back within a day: raise the rate or lower the burst")]
    Window,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(burst: u32, rate: u32) -> Quota {
        Quota::per_minute(burst, rate).expect("within bounds")
    }

    #[test]
    fn bounds_are_kept() {
        assert_eq!(Quota::per_minute(0, 1), Err(QuotaError::Burst));
        assert_eq!(Quota::per_minute(1, 0), Err(QuotaError::Rate));
        assert_eq!(Quota::per_minute(Quota::MOST_BURST, 1), Err(QuotaError::Window));
        let largest = quota(Quota::MOST_BURST, Quota::MOST_PER_MINUTE);
        assert_eq!(largest.window(), Duration::from_secs(10));
        assert_eq!(quota(1_440, 1).window(), Quota::LONGEST_WINDOW);
        // Seven a minute is no whole number of microseconds.
        assert_eq!(quota(7, 7).interval(), Duration::from_micros(8_571_429));
    }

    proptest! {
        /// What the algorithm is for: in no stretch of time does more get through than the burst
        /// and what came back meanwhile.
        #[test]
        fn no_stretch_of_time_lets_more_through(
            burst in 1_u32..20,
            rate in 1_u32..10_000,
            steps in prop::collection::vec(0_i64..2_000_000, 1..200),
        ) {
            let quota = quota(burst, rate);
            let (mut now, mut full_at, mut allowed) = (0_i64, None, Vec::new());
            for step in steps {
                now += step;
                let (decision, after) = quota.take(full_at, now);
                full_at = Some(after);
                if matches!(decision, Decision::Allowed { .. }) {
                    allowed.push(now);
                }
            }
            let interval = quota.interval.cast_signed();
            for (first, from) in allowed.iter().enumerate() {
                for (last, to) in allowed.iter().enumerate().skip(first) {
                    let count = i64::try_from(last - first + 1).expect("few");
                    prop_assert!(count <= i64::from(burst) + (to - from) / interval);
                }
            }
        }

        /// Whoever waits as long as they were told is let through, and nobody a moment before.
        #[test]
        fn the_wait_is_exact(burst in 1_u32..20, rate in 1_u32..10_000, at in 0_i64..1_000_000) {
            let quota = quota(burst, rate);
            let mut full_at = None;
            let wait = loop {
                let (decision, after) = quota.take(full_at, at);
                full_at = Some(after);
                if let Decision::Limited { retry_after } = decision {
                    break i64::try_from(retry_after.as_micros()).expect("short");
                }
            };
            let decides = |now| quota.take(full_at, now).0;
            let early = matches!(decides(at + wait - 1), Decision::Limited { .. });
            prop_assert!(early);
            let last_one = matches!(decides(at + wait), Decision::Allowed { remaining: 0, .. });
            prop_assert!(last_one);
        }

        /// Wherever the clock is set to, the longest wait is one interval.
        #[test]
        fn a_step_of_the_clock_locks_nobody_out(
            burst in 1_u32..20,
            rate in 1_u32..10_000,
            full_at in any::<i64>(),
            now in -1_000_000_000_000_i64..1_000_000_000_000,
        ) {
            let quota = quota(burst, rate);
            if let (Decision::Limited { retry_after }, _) = quota.take(Some(full_at), now) {
                prop_assert!(retry_after <= quota.interval());
            }
        }
    }
}
