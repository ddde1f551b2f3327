//! The program's own metrics, as it gathers them for Prometheus, to be added up.

use prometheus::proto::{Metric, MetricFamily, MetricType};

/// What was gathered at one moment.
pub(super) struct Families(pub(super) Vec<MetricFamily>);

/// Bounds of buckets, and how many observations lie at or below each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Families {
    /// The series of a metric. `None` where nobody ever told one.
    pub(super) fn series(&self, name: &str) -> Option<&[Metric]> {
        self.0.iter().find(|family| family.name() == name).map(MetricFamily::get_metric)
    }

    /// The sum of a counter's, gauge's or histogram's series for which `wanted` holds.
    pub(super) fn sum(&self, name: &str, wanted: impl Fn(&Metric) -> bool) -> Option<f64> {
        let family = self.0.iter().find(|family| family.name() == name)?;
        let series = family.get_metric().iter().filter(|metric| wanted(metric));
        let value: fn(&Metric) -> f64 = match family.get_field_type() {
            MetricType::COUNTER => |metric| metric.get_counter().get_value(),
            MetricType::GAUGE => |metric| metric.get_gauge().get_value(),
            _ => |metric| metric.get_histogram().get_sample_count() as f64,
        };
        Some(series.map(value).sum())
    }

    /// All observations of a histogram's series for which `wanted` holds, together.
    pub(super) fn buckets(&self, name: &str, wanted: impl Fn(&Metric) -> bool) -> Option<Buckets> {
        let series = self.series(name)?.iter().filter(|metric| wanted(metric));
        Some(series.map(Buckets::of).fold(Buckets::default(), Buckets::and))
    }
}

/// The value of a label; none where the series has no such label.
pub(super) fn label<'m>(metric: &'m Metric, name: &str) -> Option<&'m str> {
    metric.get_label().iter().find(|label| label.name() == name).map(|label| label.value())
}

impl Buckets {
    pub(super) fn of(metric: &Metric) -> Self {
        let histogram = metric.get_histogram();
        let bounded = histogram.get_bucket().iter().filter(|it| it.upper_bound().is_finite());
        let bounded = bounded.map(|it| (it.upper_bound(), it.cumulative_count() as f64));
        let all = (f64::INFINITY, histogram.get_sample_count() as f64);
        Self(bounded.chain([all]).collect())
    }

    pub(super) fn and(self, other: Self) -> Self {
        if self.0.is_empty() {
            return other;
        }
        let counts = self.0.into_iter().enumerate();
        let more = |at: usize| other.0.get(at).map_or(0.0, |(_, count)| *count);
        Self(counts.map(|(at, (bound, count))| (bound, count + more(at))).collect())
    }

    /// What was observed since `earlier`, which is of the same histogram.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let before = |at: usize| earlier.0.get(at).map_or(0.0, |(_, count)| *count);
        let counts = self.0.iter().enumerate();
        Self(counts.map(|(at, (bound, count))| (*bound, count - before(at))).collect())
    }

    /// What lies at or below each bound.
    #[cfg(test)]
    pub(super) fn test(counts: &[(f64, f64)]) -> Self {
        let all = counts.last().map(|(_, count)| (f64::INFINITY, *count));
        Self(counts.iter().copied().chain(all).collect())
    }

    pub(super) fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// The value that the share `quantile` of observations stays below, reckoned as Prometheus does:
    /// within a bucket they are taken to lie evenly, and beyond the last bound at that bound. `None`
    /// where nothing was observed.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let wanted = quantile * self.count();
        let at = self.0.iter().position(|(_, count)| *count >= wanted && *count > 0.0)?;
        let (bound, count) = self.0[at];
        let (from, below) = at.checked_sub(1).map_or((0.0, 0.0), |before| self.0[before]);
        if bound.is_infinite() {
            return Some(from);
        }
        Some(from + (bound - from) * (wanted - below) / (count - below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: [f64; 4]) -> Buckets {
        Buckets([0.1, 0.5, 1.0, f64::INFINITY].into_iter().zip(counts).collect())
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let seen = buckets([50.0, 90.0, 100.0, 100.0]);
        assert_eq!(seen.quantile(0.5), Some(0.1));
        assert_eq!(seen.quantile(0.25), Some(0.05));
        assert_eq!(seen.quantile(0.95), Some(0.75));
        assert_eq!(buckets([0.0, 0.0, 0.0, 9.0]).quantile(0.99), Some(1.0));
        assert_eq!(buckets([0.0; 4]).quantile(0.99), None);
        assert_eq!(Buckets::default().quantile(0.99), None);
    }

    #[test]
    fn what_came_since_and_what_came_together() {
        let (before, now) = (buckets([1.0, 2.0, 2.0, 3.0]), buckets([2.0, 5.0, 5.0, 7.0]));
        assert_eq!(now.since(&before), buckets([1.0, 3.0, 3.0, 4.0]));
        assert_eq!(now.since(&before).count(), 4.0);
        assert_eq!(before.clone().and(now), buckets([3.0, 7.0, 7.0, 10.0]));
        assert_eq!(Buckets::default().and(before.clone()), before);
    }
}
