//! When journeys begin, where they wait for nobody: the open model.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

/// How far apart arrivals are, whose mean is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Spacing {
    /// As strangers come: exponentially distributed gaps, so that the count in any stretch of time
    /// is Poisson distributed.
    #[default]
    Poisson,
    /// All gaps alike.
    Even,
}

/// A journey that is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Counts from 0, without gaps.
    pub number: u64,
    /// Since the beginning of the run.
    pub at: Duration,
}

/// All arrivals, one after the other and without end. The same seed makes the same schedule: what
/// the server does has no part in it.
#[derive(Clone, Debug)]
pub struct Arrivals {
    spacing: Spacing,
    /// Seconds between two arrivals, on average.
    gap: f64,
    dice: Xoshiro256PlusPlus,
    next: u64,
    /// Seconds; an hour is known to less than a nanosecond.
    clock: f64,
}

impl Arrivals {
    /// `rate` arrivals a second, on average; none at all where it is not above zero.
    #[must_use]
    pub fn new(rate: f64, spacing: Spacing, seed: u64) -> Self {
        let gap = if rate > 0.0 { rate.recip() } else { f64::INFINITY };
        let dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self { spacing, gap, dice, next: 0, clock: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let number = self.next;
        self.next += 1;
        match self.spacing {
            Spacing::Poisson => self.clock += exponential(&mut self.dice) * self.gap,
            Spacing::Even => self.clock = self.next as f64 * self.gap,
        }
        let at = Duration::try_from_secs_f64(self.clock).ok()?;
        Some(Arrival { number, at })
    }
}

/// Exponentially distributed, with a mean of 1.
pub(crate) fn exponential(dice: &mut Xoshiro256PlusPlus) -> f64 {
    // Never the logarithm of 0: `random` is below 1.
    -(1.0 - dice.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize, spacing: Spacing, seed: u64) -> Vec<Arrival> {
        Arrivals::new(100.0, spacing, seed).take(count).collect()
    }

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(first(1_000, Spacing::Poisson, 7), first(1_000, Spacing::Poisson, 7));
        assert_ne!(first(1_000, Spacing::Poisson, 7), first(1_000, Spacing::Poisson, 8));
    }

    #[test]
    fn even_arrivals_are_even() {
        let at: Vec<u128> =
            first(3, Spacing::Even, 1).iter().map(|arrival| arrival.at.as_millis()).collect();
        assert_eq!(at, [10, 20, 30]);
    }

    #[test]
    fn no_rate_is_no_arrival() {
        assert_eq!(Arrivals::new(0.0, Spacing::Even, 1).next(), None);
    }

    /// In a Poisson process mean and variance of the count per second are the rate. Both are known
    /// to about 3 % after 2,000 seconds.
    #[test]
    fn the_count_per_second_is_poisson_distributed() {
        const SECONDS: u32 = 2_000;
        let mut counts = vec![0_u32; SECONDS as usize];
        for arrival in Arrivals::new(100.0, Spacing::Poisson, 42) {
            let Some(count) = counts.get_mut(arrival.at.as_secs() as usize) else { break };
            *count += 1;
        }
        let mean = f64::from(counts.iter().sum::<u32>()) / f64::from(SECONDS);
        let square = |count: &u32| (f64::from(*count) - mean).powi(2);
        let variance = counts.iter().map(square).sum::<f64>() / f64::from(SECONDS - 1);
        assert!((mean - 100.0).abs() < 1.0, "the mean is {mean}");
        assert!((variance - 100.0).abs() < 12.0, "the variance is {variance}");
    }
}
