//! Where a value lies, and where the axis says so.

/// One axis of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// What it is, with its unit.
    pub(crate) label: String,
    /// Where a value is written, and what.
    pub(crate) ticks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    Logarithmic,
}

impl Axis {
    /// From zero to a round number above `values`.
    pub(crate) fn linear(
        label: &str,
        values: impl IntoIterator<Item = f64>,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let highest = values.into_iter().filter(|value| is_drawable(*value)).fold(0.0, f64::max);
        let high = if highest > 0.0 { highest } else { 1.0 };
        let step = round_step(high);
        let steps = (high / step).ceil();
        let ticks = (0..=steps as u32).map(|tick| f64::from(tick) * step);
        Self {
            label: label.to_owned(),
            ticks: ticks.map(|tick| (tick, text(tick))).collect(),
            low: 0.0,
            high: steps * step,
            kind: Kind::Linear,
        }
    }

    /// Around zero, from a round number below `values` to one above.
    pub(crate) fn around_zero(
        label: &str,
        values: impl IntoIterator<Item = f64>,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let (lowest, highest) = values
            .into_iter()
            .filter(|value| is_drawable(*value))
            .fold((0.0, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
        let step = round_step((highest - lowest).max(1e-6));
        let (first, last) = ((lowest / step).floor() as i32, (highest / step).ceil() as i32);
        let last = last.max(first + 1);
        let ticks = (first..=last).map(|tick| f64::from(tick) * step);
        Self {
            label: label.to_owned(),
            ticks: ticks.map(|tick| (tick, text(tick))).collect(),
            low: f64::from(first) * step,
            high: f64::from(last) * step,
            kind: Kind::Linear,
        }
    }

    /// From 1, 2 or 5 times a power of ten below `values` to one above.
    pub(crate) fn logarithmic(
        label: &str,
        values: impl IntoIterator<Item = f64>,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let drawable = values.into_iter().filter(|value| is_drawable(*value) && *value > 0.0);
        let (lowest, highest) = drawable
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let (lowest, highest) = if highest > 0.0 { (lowest, highest) } else { (1.0, 10.0) };
        let decades = (highest / lowest).log10();
        let digits: &[f64] = match decades {
            few if few < 2.0 => &[1.0, 2.0, 5.0],
            some if some < 3.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let (first, last) = (lowest.log10().floor() as i32, highest.log10().ceil() as i32);
        let candidates: Vec<f64> = (first..=last)
            .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
            .collect();
        // A hair's breadth of room, as powers of ten are not exact.
        let below = candidates.iter().rposition(|tick| *tick <= lowest * 1.000_001).unwrap_or(0);
        let above = candidates.iter().position(|tick| *tick >= highest / 1.000_001);
        let above = above.unwrap_or(candidates.len() - 1).max(below + 1).min(candidates.len() - 1);
        let ticks = &candidates[below.min(above)..=above];
        Self {
            label: label.to_owned(),
            ticks: ticks.iter().map(|tick| (*tick, text(*tick))).collect(),
            low: candidates[below.min(above)],
            high: candidates[above],
            kind: Kind::Logarithmic,
        }
    }

    /// Percentiles, stretched towards the slowest requests: each step shows a tenth of the one
    /// before it. A value is one over the share of requests beyond the percentile.
    pub(crate) fn percentiles(label: &str, rarest: f64) -> Self {
        let names = ["0", "p90", "p99", "p99.9", "p99.99", "p99.999", "p99.9999"];
        let highest = if is_drawable(rarest) { rarest.clamp(1_000.0, 1e6) } else { 1_000.0 };
        let powers = (0..names.len()).map(|power| 10_f64.powi(power as i32));
        let mut ticks: Vec<(f64, String)> = powers
            .zip(names)
            .filter(|(at, _)| *at <= highest)
            .map(|(at, name)| (at, name.to_owned()))
            .collect();
        ticks.insert(1, (2.0, "p50".to_owned()));
        Self { label: label.to_owned(), ticks, low: 1.0, high: highest, kind: Kind::Logarithmic }
    }

    /// The value at the beginning.
    pub(crate) const fn low(&self) -> f64 {
        self.low
    }

    /// The value at the end.
    pub(crate) const fn high(&self) -> f64 {
        self.high
    }

    /// Where between 0 and 1 `value` lies; what lies outside is drawn at the edge.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }
}

/// Numbers larger or smaller than these are no measurements, and what is computed of them no numbers.
fn is_drawable(value: f64) -> bool {
    value == 0.0 || (1e-30..1e30).contains(&value.abs())
}

/// 1, 2 or 5 times a power of ten, four to eight of which make up `span`.
fn round_step(span: f64) -> f64 {
    let rough = span / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let digit = match rough / power {
        small if small <= 1.5 => 1.0,
        middle if middle <= 3.5 => 2.0,
        large if large <= 7.5 => 5.0,
        _ => 10.0,
    };
    digit * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_begins_at_zero_and_ends_at_a_round_number() {
        let axis = Axis::linear("rate", [3.0, 430.0], |value| format!("{value}"));
        assert_eq!(texts(&axis), ["0", "100", "200", "300", "400", "500"]);
        assert_eq!(
            [0.0, 250.0, 900.0, f64::NAN].map(|value| axis.share(value)),
            [0.0, 0.5, 1.0, 0.0]
        );
    }

    #[test]
    fn an_axis_around_zero_reaches_both_ways() {
        let axis = Axis::around_zero("change", [-0.08, 0.21], |value| format!("{value:.2}"));
        assert_eq!(
            texts(&axis),
            ["-0.10", "-0.05", "0.00", "0.05", "0.10", "0.15", "0.20", "0.25"]
        );
    }

    #[test]
    fn a_logarithmic_axis_has_round_ends() {
        let axis = Axis::logarithmic("time", [300.0, 9_000.0], |value| format!("{value:.0}"));
        assert_eq!(texts(&axis), ["200", "500", "1000", "2000", "5000", "10000"]);
        assert!((axis.share(1_414.2) - 0.5).abs() < 0.001);
    }

    #[test]
    fn an_axis_without_values_is_still_one() {
        let none = || std::iter::empty::<f64>();
        for axis in [
            Axis::linear("", none(), |value| value.to_string()),
            Axis::around_zero("", none(), |value| value.to_string()),
            Axis::logarithmic("", [0.0, f64::NAN, 1e300], |value| value.to_string()),
            Axis::percentiles("", f64::NAN),
        ] {
            assert!(axis.ticks.len() > 1 && axis.high > axis.low, "{axis:?}");
        }
    }
}
