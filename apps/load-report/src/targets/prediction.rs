//! What the monolith said that extraction would cost, and what it cost.

use crate::{
    format,
    model::{Part, Prediction},
    statistics::{Estimate, Group, Metric, Statistics, counterparts, paired},
    words,
};

use super::{Asked, Target, Verdict, billing_reads};

/// How far the two may lie apart, of what extraction cost.
const APART: f64 = 0.2;

/// One figure that was predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// What it is, in words.
    pub what: &'static str,
    /// Microseconds, the mean over repeats.
    pub said: Estimate,
    /// Microseconds that extraction really added.
    pub cost: Estimate,
}

impl Predicted {
    /// Whether the two agree within a fifth of what it cost.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (low, high) = self.cost.interval.unwrap_or((self.cost.mean, self.cost.mean));
        // Of what it cost, this much and no less would agree with what was said.
        let (least, most) = (self.said.mean / (1.0 + APART), self.said.mean / (1.0 - APART));
        if low >= least && high <= most {
            Verdict::Met
        } else if high < least || low > most {
            Verdict::Missed
        } else {
            Verdict::Unsettled
        }
    }
}

/// Figures by the shape that they are of.
#[must_use]
pub fn predicted<'a>(statistics: &Statistics<'a>) -> Vec<(&'a str, Vec<Predicted>)> {
    let reads = billing_reads(statistics);
    let mut shapes = Vec::new();
    for (base, other) in counterparts(statistics, Part::Compare) {
        let said = |figure: fn(&Prediction) -> Option<f64>| {
            let runs = base.samples.iter().filter_map(|sample| sample.run.prediction.as_ref());
            Estimate::of(&runs.filter_map(figure).collect::<Vec<_>>())
        };
        let read = reads.iter().find(|read| read.other.key == other.key);
        let of_reads = |metric| Some(paired(&read?.base, &read?.other, metric)?.difference);
        let cpu = paired(base, other, Metric::CpuPerRequest);
        let cpu = cpu.map(|paired| paired.difference.map(|millis| millis * 1e3));
        let figures = [
            ("a billing read at p50", said(|it| Some(it.request_p50)), of_reads(Metric::P50)),
            ("a billing read at p99", said(|it| Some(it.request_p99)), of_reads(Metric::P99)),
            ("the mean call between modules", said(|it| it.call_mean), hops(other)),
            ("processor time for a request", said(|it| Some(it.cpu_per_request)), cpu),
        ];
        let figures = figures
            .into_iter()
            .filter_map(|(what, said, cost)| Some(Predicted { what, said: said?, cost: cost? }));
        let figures: Vec<_> = figures.collect();
        if !figures.is_empty() {
            shapes.push((other.key.shape, figures));
        }
    }
    shapes
}

/// What leaving the process adds to the mean call: all of it but the work itself.
fn hops(group: &Group<'_>) -> Option<Estimate> {
    let hops = group.samples.iter().filter_map(|sample| sample.run.hop.as_ref());
    let added = hops.map(|hop| hop.serialize + hop.network + hop.queue);
    Estimate::of(&added.collect::<Vec<_>>())
}

/// One target for each figure.
pub(super) fn agreement(statistics: &Statistics<'_>) -> Vec<Target> {
    let asked = |shape: &str, what: &str| {
        let what = format!("What the monolith predicts that {shape} adds to {what}");
        Asked::new(what, format!("within {} of what it added", format::percent(APART)))
    };
    let shapes = predicted(statistics);
    if shapes.is_empty() {
        let why = "the monolith was not asked for a prediction";
        return vec![asked("extraction", "requests and calls").not_measured(why)];
    }
    let of_shape = |(shape, figures): (&str, Vec<Predicted>)| {
        let target = |figure: Predicted| {
            let signed = |value| format::signed(value, format::micros);
            let (said, cost) = (figure.said.mean, words::estimate(&figure.cost, signed));
            let measured = format!("{} predicted, {cost} added", signed(said));
            asked(shape, figure.what).found(measured, figure.verdict())
        };
        figures.into_iter().map(target).collect::<Vec<_>>()
    };
    shapes.into_iter().flat_map(of_shape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(said: f64, cost: &[f64]) -> Verdict {
        let of = |values| Estimate::of(values).expect("numbers");
        Predicted { what: "a read", said: of(&[said]), cost: of(cost) }.verdict()
    }

    #[test]
    fn what_was_said_agrees_with_what_it_cost_within_a_fifth_of_that() {
        assert_eq!(verdict(119.0, &[100.0]), Verdict::Met);
        assert_eq!(verdict(121.0, &[100.0]), Verdict::Missed);
        assert_eq!(verdict(81.0, &[100.0]), Verdict::Met);
        assert_eq!(verdict(79.0, &[100.0]), Verdict::Missed);
        assert_eq!(verdict(100.0, &[99.0, 100.0, 101.0]), Verdict::Met);
        assert_eq!(verdict(100.0, &[50.0, 100.0, 150.0]), Verdict::Unsettled);
        assert_eq!(verdict(100.0, &[300.0, 301.0, 302.0]), Verdict::Missed);
    }
}
