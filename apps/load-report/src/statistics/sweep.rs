//! Rising rates: where a shape's knee is, and what remains beyond it.

use crate::model::{Load, Part, Run, histogram::HistogramError};

use super::{Counts, Estimate, Group, Metric, Sample, Statistics, percentile};

/// What a rate must do to be served well. The knee is the highest rate that is: the generator looks
/// for it, and the report tells it, by this one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Of all requests that were meant to start, the share that is done.
    pub done: f64,
    /// Microseconds that 99 of a hundred of those are answered within, over all operations.
    pub p99: f64,
}

impl Bound {
    /// A quarter of a second, which people call instant no longer.
    pub const KNEE: Self = Self { done: 0.99, p99: 250_000.0 };

    /// Whether `run` stays within it.
    ///
    /// # Errors
    /// It has a histogram that is none.
    pub fn holds_for(&self, run: &Run) -> Result<bool, HistogramError> {
        let sample = Sample::read(run)?;
        Ok(self.holds(share_done(&sample.counts), percentile(&sample.latency, 0.99)))
    }

    fn holds(&self, done: f64, p99: Option<f64>) -> bool {
        done >= self.done && p99.is_some_and(|p99| p99 <= self.p99)
    }
}

/// Of what was meant to start; all of nothing.
fn share_done(counts: &Counts) -> f64 {
    if counts.intended == 0 { 1.0 } else { counts.done as f64 / counts.intended as f64 }
}

/// One shape under rising rates.
#[derive(Clone, Debug)]
pub struct Curve<'s, 'a> {
    /// What the points have in common; the load is that of the first.
    pub group: &'s Group<'a>,
    /// In the order of their rates.
    pub points: Vec<Point<'s, 'a>>,
}

/// One rate.
#[derive(Clone, Debug)]
pub struct Point<'s, 'a> {
    /// Its repeats.
    pub group: &'s Group<'a>,
    /// Journeys begun a second, as they were asked for.
    pub rate: f64,
    /// Requests that were meant to start, a second.
    pub offered: f64,
    /// Those that were done, a second.
    pub goodput: Estimate,
    /// The share of those that were done.
    pub done: f64,
    /// Latency over all repeats together, at [`Metric::PERCENTILES`]; nothing where none was done.
    pub latency: Option<[f64; 4]>,
}

/// The highest rate that a shape serves well.
#[derive(Clone, Debug, PartialEq)]
pub enum Knee {
    /// Requests offered a second, at the highest rate that was served well; a higher one was not.
    At(f64),
    /// No higher rate was tried than this, and it was served well.
    AtLeast(f64),
    /// Not even the lowest rate, which was this.
    Below(f64),
}

impl Curve<'_, '_> {
    /// The highest rate within [`Bound::KNEE`].
    #[must_use]
    pub fn knee(&self) -> Option<Knee> {
        let first = self.points.first()?;
        let Some(at) = self.points.iter().rposition(Point::is_served_well) else {
            return Some(Knee::Below(first.offered));
        };
        let offered = self.points[at].offered;
        let is_highest = at + 1 == self.points.len();
        Some(if is_highest { Knee::AtLeast(offered) } else { Knee::At(offered) })
    }

    /// The most that was done a second, at any rate.
    #[must_use]
    pub fn peak(&self) -> Option<f64> {
        self.points.iter().map(|point| point.goodput.mean).reduce(f64::max)
    }
}

impl<'s, 'a> Point<'s, 'a> {
    fn of(group: &'s Group<'a>) -> Option<Self> {
        let Load::Open { rate } = group.key.load else { return None };
        let latency = group.latency();
        let at = |quantile| percentile(&latency, quantile);
        let counts = group.counts();
        let seconds: f64 = group.samples.iter().map(|sample| sample.run.measured_s).sum();
        let offered = counts.intended as f64 / seconds;
        let goodput: Vec<f64> =
            group.samples.iter().filter_map(|sample| Metric::Goodput.of(sample)).collect();
        Some(Self {
            group,
            rate,
            offered: offered.is_finite().then_some(offered)?,
            goodput: Estimate::of(&goodput)?,
            done: share_done(&counts),
            latency: at(0.5)
                .zip(at(0.9))
                .zip(at(0.99))
                .zip(at(0.999))
                .map(|(((p50, p90), p99), p999)| [p50, p90, p99, p999]),
        })
    }

    fn is_served_well(&self) -> bool {
        Bound::KNEE.holds(self.done, self.latency.map(|[_, _, p99, _]| p99))
    }
}

/// The curves of `part`: one for each shape, variant and scenario under open load.
#[must_use]
pub fn curves<'s, 'a>(statistics: &'s Statistics<'a>, part: Part) -> Vec<Curve<'s, 'a>> {
    let mut curves: Vec<Curve<'s, 'a>> = Vec::new();
    for point in statistics.part(part).filter_map(Point::of) {
        let name = |group: &Group<'a>| (group.key.shape, group.key.variant, group.key.scenario);
        match curves.iter_mut().find(|curve| name(curve.group) == name(point.group)) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { group: point.group, points: vec![point] }),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|one, other| one.offered.total_cmp(&other.offered));
    }
    curves
}

/// What remains of a shape's peak far beyond it.
#[derive(Clone, Debug)]
pub struct Overload<'s, 'a> {
    /// The rate that is too high.
    pub point: Point<'s, 'a>,
    /// The most that was done a second at any rate.
    pub peak: f64,
    /// Requests asked for, over the peak: those included that never came, as their journeys ended
    /// at a request that failed.
    pub times: f64,
    /// Requests done, over the peak.
    pub kept: Estimate,
    /// The share of what failed that was refused at once with `503`; 1 where nothing failed.
    pub refused: f64,
}

/// What remains under overload; nothing for a shape whose peak nobody looked for.
#[must_use]
pub fn overloads<'s, 'a>(statistics: &'s Statistics<'a>) -> Vec<Overload<'s, 'a>> {
    let swept = curves(statistics, Part::Sweep);
    let overload = |point: Point<'s, 'a>| {
        let key = point.group.key;
        let is_same = |curve: &&Curve<'_, '_>| {
            (curve.group.key.shape, curve.group.key.scenario) == (key.shape, key.scenario)
        };
        let same = || swept.iter().filter(is_same);
        let swept = same().filter_map(Curve::peak).reduce(f64::max)?;
        // A search that ended early has not seen the shape at its best.
        let peak = swept.max(point.goodput.mean);
        // Journeys come to their end at the lowest rate.
        let journey = same().filter_map(|curve| curve.points.first()).next()?;
        let asked = point.rate * journey.offered / journey.rate;
        let counts = point.group.counts();
        let refused = counts.failed.get("503").copied().unwrap_or(0) as f64;
        let failed = counts.failures() as f64;
        (peak > 0.0).then(|| Overload {
            peak,
            times: asked / peak,
            kept: point.goodput.map(|goodput| goodput / peak),
            refused: if failed == 0.0 { 1.0 } else { refused / failed },
            point,
        })
    };
    statistics.part(Part::Overload).filter_map(Point::of).filter_map(overload).collect()
}
