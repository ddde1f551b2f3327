//! What it costs to tell of one's work.

use crate::{
    format,
    model::{Part, names},
    statistics::{Metric, Statistics, paired},
    words,
};

use super::{Asked, Limit, Target, times_as_percent};

/// Of the throughput without.
const LEAST_KEPT: f64 = 0.95;

/// Throughput with telemetry over throughput without.
pub(super) fn cost(statistics: &Statistics<'_>) -> Target {
    let asked = Asked::new(
        "What telemetry leaves of the throughput per CPU second",
        format!("at least {}", format::percent(LEAST_KEPT)),
    );
    let variant =
        |name: &str| statistics.part(Part::Telemetry).find(|group| group.key.variant == name);
    let (Some(off), Some(on)) = (variant(names::TELEMETRY_OFF), variant(names::TELEMETRY_ON))
    else {
        return asked.not_measured("nothing was run with telemetry and without");
    };
    let ratio = paired(off, on, Metric::RequestsPerCpu).and_then(|paired| paired.ratio);
    let Some(kept) = ratio else {
        return asked.not_measured("the two have no repeat in common");
    };
    let figure = words::estimate(&kept, times_as_percent);
    let measured = format!("{figure}, {} each, at the same time", words::under(on));
    asked.found(measured, Limit::AtLeast(LEAST_KEPT).verdict(&kept))
}
