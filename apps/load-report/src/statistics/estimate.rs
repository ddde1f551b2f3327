//! Means over repeats.

use std::f64::consts::FRAC_PI_2;

use serde::Serialize;

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;

/// A mean over repeats, and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// In the unit of the values.
    pub mean: f64,
    /// Lower and upper bound of the 95 % t-interval; none of a single value.
    pub interval: Option<(f64, f64)>,
    /// How many values it is the mean of.
    pub repeats: usize,
}

impl Estimate {
    /// The mean of `values` and its interval; nothing without values, or where one is no number.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let repeats = values.len();
        let count = repeats as f64;
        let mean = values.iter().sum::<f64>() / count;
        if !mean.is_finite() {
            return None;
        }
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let interval = quantile_of_t(repeats.saturating_sub(1)).map(|quantile| {
            let half = quantile * (squares / (count - 1.0) / count).sqrt();
            (mean - half, mean + half)
        });
        Some(Self { mean, interval, repeats })
    }

    /// The geometric mean of `ratios` and its interval: computed on logarithms, where twice and half
    /// lie equally far from the same. Nothing where a ratio is not positive.
    #[must_use]
    pub fn of_ratios(ratios: &[f64]) -> Option<Self> {
        let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
        Some(Self::of(&logarithms)?.map(f64::exp))
    }

    /// The same after a change of unit: `change` rises everywhere.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(|(low, high)| (change(low), change(high)));
        Self { mean: change(self.mean), interval, repeats: self.repeats }
    }

    /// Whether the interval contains `value`; not without an interval.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.interval.is_some_and(|(low, high)| low <= value && value <= high)
    }
}

/// How many standard errors reach to either side; nothing without a degree of freedom.
fn quantile_of_t(freedom: usize) -> Option<f64> {
    if freedom == 0 {
        return None;
    }
    // Halving 60 times leaves less than a number of this size can tell apart.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if share_within(middle, freedom) < CONFIDENCE { low = middle } else { high = middle }
    }
    Some(low.tan() * (freedom as f64).sqrt())
}

/// The share of Student's t within ±`√freedom · tan(angle)`, as a finite sum: Abramowitz and Stegun,
/// *Handbook of Mathematical Functions*, 26.7.3 (odd) and 26.7.4 (even).
fn share_within(angle: f64, freedom: usize) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    // The first term, and every next one over the one before it.
    let mut term = if is_odd { cosine } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    for power in (if is_odd { 3 } else { 2 }..=freedom.saturating_sub(2)).step_by(2) {
        let power = power as f64;
        term *= cosine * cosine * (power - 1.0) / power;
        sum += term;
    }
    if is_odd { (angle + sine * sum) / FRAC_PI_2 } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, column 0.975.
        for (freedom, printed) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (9, 2.262),
            (10, 2.228),
            (29, 2.045),
            (30, 2.042),
            (100, 1.984),
        ] {
            let computed = quantile_of_t(freedom).expect("there is freedom");
            assert!((computed - printed).abs() < 0.0005, "{freedom}: {computed}");
        }
        assert_eq!(quantile_of_t(0), None);
    }

    #[test]
    fn an_interval_is_the_one_computed_by_hand() {
        // Mean 3, standard deviation √2.5, standard error √0.5, times 2.776445.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("numbers");
        let (low, high) = estimate.interval.expect("five of them");
        assert_eq!((estimate.mean, estimate.repeats), (3.0, 5));
        assert!((low - 1.036_757).abs() < 1e-5 && (high - 4.963_243).abs() < 1e-5, "{low} {high}");
        assert!(estimate.contains(2.0) && !estimate.contains(0.0));
    }

    #[test]
    fn the_mean_of_twice_and_half_is_the_same() {
        let estimate = Estimate::of_ratios(&[2.0, 0.5]).expect("ratios");
        assert!((estimate.mean - 1.0).abs() < 1e-12 && estimate.contains(1.0), "{estimate:?}");
        assert_eq!(Estimate::of_ratios(&[1.0, 0.0]), None);
    }

    #[test]
    fn what_has_no_mean_has_no_estimate() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[1.0, f64::NAN]), None);
        let single = Estimate::of(&[7.0]).expect("a number");
        assert_eq!((single.interval, single.mean), (None, 7.0));
        assert!(!single.contains(7.0), "a single value says nothing of others");
    }
}
