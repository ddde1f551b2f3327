//! How much a shape can take.

use crate::{
    format,
    model::Part,
    statistics::{Bound, Knee, Statistics, curves, overloads},
    words,
};

use super::Sentence;

/// Where each shape's knee is.
pub(super) fn knees(statistics: &Statistics<'_>) -> Option<Sentence> {
    let mut clauses = Vec::new();
    for curve in curves(statistics, Part::Sweep) {
        let name = format!("{} on {}", curve.group.key.name(), curve.group.key.scenario);
        clauses.push(match curve.knee()? {
            Knee::At(rate) => format!("{name} serves up to {}", format::rate(rate)),
            Knee::AtLeast(rate) => {
                format!(
                    "{name} serves at least {}, the highest rate that was tried",
                    format::rate(rate)
                )
            }
            Knee::Below(rate) => {
                format!(
                    "{name} does not serve even {}, the lowest rate that was tried",
                    format::rate(rate)
                )
            }
        });
    }
    (!clauses.is_empty()).then(|| {
        let text = format!(
            "With {} of the requests done and p99 within {}, {}.",
            format::percent(Bound::KNEE.done),
            format::micros(Bound::KNEE.p99),
            words::list(&clauses)
        );
        Sentence::new("Capacity", text)
    })
}

/// What remains under overload.
pub(super) fn overload(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let sentence = |overload: &crate::statistics::Overload<'_, '_>| {
        let text = format!(
            "Asked for {} times its peak of {}, {} still does {} of the peak.",
            format::number(overload.times),
            format::rate(overload.peak),
            overload.point.group.key.name(),
            words::estimate(&overload.kept, format::percent)
        );
        Sentence::new("Overload", text)
    };
    overloads(statistics).iter().map(sentence).collect()
}
