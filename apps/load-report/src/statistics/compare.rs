//! Two groups against each other, repeat by repeat.

use serde::Serialize;

use crate::model::{Part, names};

use super::{Estimate, Group, Metric, Sample, Statistics};

/// What one group has more than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// The mean of the first.
    pub base: f64,
    /// The mean of the second.
    pub other: f64,
    /// The second less the first, within a repeat.
    pub difference: Estimate,
    /// How far apart the two are within a repeat, whichever is larger: the mean.
    pub distance: f64,
    /// The second over the first, within a repeat; nothing where one of them is zero.
    pub ratio: Option<Estimate>,
}

/// Whether a difference is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Its interval lies to one side of zero, and it is more than two runs of one shape differ by.
    Differs,
    /// Its interval contains zero.
    ContainsZero,
    /// Two runs of one and the same shape lie as far apart.
    WithinNoise,
    /// It was measured once, so nobody knows.
    Once,
}

impl Paired {
    /// The mean difference, over the mean of the first; nothing where that is zero.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let share = self.difference.mean / self.base;
        share.is_finite().then_some(share)
    }

    /// Whether there is a difference, where runs of the same thing lie `noise` apart.
    #[must_use]
    pub fn judge(&self, noise: Option<f64>) -> Judgement {
        if self.difference.interval.is_none() {
            return Judgement::Once;
        }
        if self.difference.contains(0.0) {
            return Judgement::ContainsZero;
        }
        match noise {
            Some(noise) if self.difference.mean.abs() <= noise => Judgement::WithinNoise,
            _ => Judgement::Differs,
        }
    }
}

/// What `other` has more of `metric` than `base`, over the repeats that both have; nothing where
/// there is no such repeat.
#[must_use]
pub fn paired(base: &Group<'_>, other: &Group<'_>, metric: Metric) -> Option<Paired> {
    let value = |sample: &Sample<'_>| Some((sample.run.repeat, metric.of(sample)?));
    let mut others: Vec<(u32, f64)> = other.samples.iter().filter_map(value).collect();
    let mut pairs = Vec::new();
    for (repeat, base) in base.samples.iter().filter_map(value) {
        if let Some(at) = others.iter().position(|(other, _)| *other == repeat) {
            pairs.push((base, others.remove(at).1));
        }
    }
    let differences: Vec<f64> = pairs.iter().map(|(base, other)| other - base).collect();
    let ratios: Vec<f64> = pairs.iter().map(|(base, other)| other / base).collect();
    let count = pairs.len() as f64;
    Some(Paired {
        difference: Estimate::of(&differences)?,
        distance: differences.iter().map(|difference| difference.abs()).sum::<f64>() / count,
        ratio: Estimate::of_ratios(&ratios),
        base: pairs.iter().map(|(base, _)| base).sum::<f64>() / count,
        other: pairs.iter().map(|(_, other)| other).sum::<f64>() / count,
    })
}

/// Each group of `part` that is not the monolith's, after the monolith's group under the same
/// scenario, load and variant.
#[must_use]
pub fn counterparts<'s, 'a>(
    statistics: &'s Statistics<'a>,
    part: Part,
) -> Vec<(&'s Group<'a>, &'s Group<'a>)> {
    let is_counterpart = |base: &Group<'_>, other: &Group<'_>| {
        other.key.shape != base.key.shape
            && (other.key.scenario, other.key.load, other.key.variant)
                == (base.key.scenario, base.key.load, base.key.variant)
    };
    let bases = statistics.part(part).filter(|group| group.key.shape == names::MONOLITH);
    bases
        .flat_map(|base| {
            let others = statistics.part(part).filter(move |other| is_counterpart(base, other));
            others.map(move |other| (base, other))
        })
        .collect()
}

/// How far two runs of one shape lie apart in `metric` on average, over the operations of which
/// `wanted` holds. Taken from A/A runs of `scenario`, else from all of them; nothing where there was
/// none.
#[must_use]
pub fn noise(
    statistics: &Statistics<'_>,
    scenario: &str,
    wanted: impl Fn(&str) -> bool,
    metric: Metric,
) -> Option<f64> {
    let groups: Vec<_> = statistics.part(Part::Noise).collect();
    let mut distances = Vec::new();
    for (at, base) in groups.iter().enumerate() {
        let of_its_kind = |other: &&&Group<'_>| {
            (other.key.shape, other.key.scenario, other.key.load)
                == (base.key.shape, base.key.scenario, base.key.load)
        };
        for other in groups[at + 1..].iter().filter(of_its_kind) {
            let difference = paired(&base.narrowed(&wanted), &other.narrowed(&wanted), metric);
            let distance = difference.map(|paired| paired.distance);
            distances.extend(distance.map(|distance| (base.key.scenario == scenario, distance)));
        }
    }
    let is_there = distances.iter().any(|(is_same, _)| *is_same);
    let asked = distances.iter().filter(|(is_same, _)| *is_same == is_there);
    asked.map(|(_, distance)| *distance).reduce(f64::max)
}
