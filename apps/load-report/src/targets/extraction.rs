//! What extraction may cost.

use crate::{
    format,
    model::{Part, names},
    statistics::{Curve, Group, Knee, Metric, Statistics, counterparts, curves, noise, paired},
    words,
};

use super::{Asked, Limit, Target, times_as_percent};

/// Microseconds that extraction may add to the median.
const MOST_P50: f64 = 300.0;
/// Microseconds that it may add to p99, if they are more than [`NOISES`] times the noise.
const MOST_P99: f64 = 2_000.0;
const NOISES: f64 = 3.0;
/// Of the monolith's throughput for a second of processor time.
const LEAST_KEPT: f64 = 0.7;

/// A read of billing in the monolith and in another shape, at the same load.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    /// The monolith's requests that are such reads.
    pub base: Group<'a>,
    /// The other shape's.
    pub other: Group<'a>,
    /// The share of the monolith's knee at which all requests came, with what else was asked; nothing
    /// where no sweep of the scenario found a knee.
    pub load: Option<f64>,
}

/// For each other shape, the comparison that has the largest share of reads of billing in it.
#[must_use]
pub fn billing_reads<'a>(statistics: &Statistics<'a>) -> Vec<Read<'a>> {
    let is_read = |name: &str| name.starts_with(names::BILLING_READS);
    let mut best: Vec<(f64, Read<'a>)> = Vec::new();
    for (base, other) in counterparts(statistics, Part::Compare) {
        let read = Read {
            base: base.narrowed(is_read),
            other: other.narrowed(is_read),
            load: share_of_knee(statistics, base),
        };
        let share = read.base.counts().done as f64 / base.counts().done as f64;
        let is_shape = |(_, known): &&mut (f64, Read<'_>)| known.other.key.shape == other.key.shape;
        match best.iter_mut().find(is_shape) {
            // A share of nothing is no number, and no larger than another.
            _ if share.is_nan() || share == 0.0 || read.other.counts().done == 0 => {}
            Some(known) if share > known.0 => *known = (share, read),
            Some(_) => {}
            None => best.push((share, read)),
        }
    }
    best.into_iter().map(|(_, read)| read).collect()
}

/// Latency that extraction adds to a read of billing.
pub(super) fn latency(statistics: &Statistics<'_>) -> Vec<Target> {
    let asked = |shape: &str, percentile: &str, limit: String| {
        Asked::new(format!("What {shape} adds to a billing read at {percentile}"), limit)
    };
    let p50 = || format!("at most {} at half load", format::micros(MOST_P50));
    let p99 = format!("at most {}, or {NOISES} times the noise", format::micros(MOST_P99));
    let reads = billing_reads(statistics);
    if reads.is_empty() {
        let why = "no comparison has reads of billing in the monolith and another shape";
        let shape = "extraction";
        return vec![
            asked(shape, "p50", p50()).not_measured(why),
            asked(shape, "p99", p99).not_measured(why),
        ];
    }
    let is_read = |name: &str| name.starts_with(names::BILLING_READS);
    let mut targets = Vec::new();
    for read in &reads {
        let key = read.other.key;
        let noise = noise(statistics, key.scenario, is_read, Metric::P99);
        let most = noise.map_or(MOST_P99, |noise| MOST_P99.max(NOISES * noise));
        let tail = match noise {
            Some(noise) => format!("{p99} of {}", format::micros(noise)),
            None => format!("{p99}, which nobody measured"),
        };
        for (metric, limit, words) in [(Metric::P50, MOST_P50, p50()), (Metric::P99, most, tail)] {
            let asked = asked(key.shape, metric.name(), words);
            targets.push(match paired(&read.base, &read.other, metric) {
                Some(paired) => {
                    let limit = Limit::AtMost(limit);
                    let signed = |value| format::signed(value, format::micros);
                    let figure = words::estimate(&paired.difference, signed);
                    let measured = format!("{figure}, {} {}", words::under(&read.base), at(read));
                    asked.found(measured, limit.verdict(&paired.difference))
                }
                None => asked.not_measured("the shapes have no repeat in common"),
            });
        }
    }
    targets
}

/// Throughput for a second of processor time that extraction keeps.
pub(super) fn processor(statistics: &Statistics<'_>) -> Vec<Target> {
    let asked = |shape: &str| {
        Asked::new(
            format!("What {shape} keeps of the throughput per CPU second"),
            format!("at least {} on {}", format::percent(LEAST_KEPT), names::MIXED_DAY),
        )
    };
    let mut targets = Vec::new();
    for (base, other) in counterparts(statistics, Part::Compare) {
        if base.key.scenario != names::MIXED_DAY {
            continue;
        }
        let ratio = paired(base, other, Metric::RequestsPerCpu).and_then(|paired| paired.ratio);
        targets.push(match ratio {
            Some(ratio) => {
                let limit = Limit::AtLeast(LEAST_KEPT);
                let figure = words::estimate(&ratio, times_as_percent);
                let measured = format!("{figure}, at {}", words::load(base.key.load));
                asked(other.key.shape).found(measured, limit.verdict(&ratio))
            }
            None => asked(other.key.shape).not_measured("no processor time was taken"),
        });
    }
    if targets.is_empty() {
        let why = format!("no comparison of shapes on {}", names::MIXED_DAY);
        targets.push(asked("extraction").not_measured(why));
    }
    targets
}

/// The share of the monolith's knee at which `group` ran.
fn share_of_knee(statistics: &Statistics<'_>, group: &Group<'_>) -> Option<f64> {
    let is_same = |curve: &Curve<'_, '_>| {
        (curve.group.key.shape, curve.group.key.scenario) == (names::MONOLITH, group.key.scenario)
    };
    let curve = curves(statistics, Part::Sweep).into_iter().find(is_same)?;
    let (Knee::At(knee) | Knee::AtLeast(knee)) = curve.knee()? else { return None };
    let seconds: f64 = group.samples.iter().map(|sample| sample.run.measured_s).sum();
    let share = group.counts().intended as f64 / seconds / knee;
    share.is_finite().then_some(share)
}

fn at(read: &Read<'_>) -> String {
    match read.load {
        Some(share) => format!("({} of the monolith's knee)", format::percent(share)),
        None => "(no sweep says what share of the knee that is)".to_owned(),
    }
}
