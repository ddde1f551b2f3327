//! The monolith against a handler written by hand.

use crate::{
    format,
    model::{Load, Part, names},
    statistics::{Group, Metric, Statistics, paired},
    words,
};

use super::{Asked, Limit, Target, times_as_percent};

const LEAST: f64 = 0.85;

/// An authenticated read of the monolith over the same written by hand.
pub(super) fn read(statistics: &Statistics<'_>) -> Target {
    let asked = Asked::new(
        "A read of the monolith against a handler written by hand with the same guarantees",
        format!("at least {} of its throughput", format::percent(LEAST)),
    );
    let shape = |name: &str| statistics.part(Part::Baseline).find(|group| group.key.shape == name);
    let (Some(ours), Some(by_hand)) = (shape(names::MONOLITH), shape(names::BY_HAND)) else {
        return asked.not_measured("no baseline was run");
    };
    let Some(ratio) = share(by_hand, ours) else {
        return asked.not_measured("the baseline's runs have no repeat in common");
    };
    let limit = Limit::AtLeast(LEAST);
    let mut measured = format!("{}, {}", limit.text(&ratio, times_as_percent), unit(ours));
    if let Some(ratio) = shape(names::BARE).and_then(|bare| share(bare, by_hand)) {
        let kept = words::estimate(&ratio, format::percent);
        measured +=
            &format!("; with the guarantees, the handler by hand keeps {kept} of a bare one");
    }
    asked.found(measured, limit.verdict(&ratio))
}

/// What `group` serves, over what `base` does.
fn share(base: &Group<'_>, group: &Group<'_>) -> Option<crate::statistics::Estimate> {
    paired(base, group, metric(group))?.ratio
}

/// People who wait for each other's answers serve as fast as they are served; at a set rate all that
/// differs is how busy the processor is.
const fn metric(group: &Group<'_>) -> Metric {
    match group.key.load {
        Load::Closed { .. } => Metric::Goodput,
        Load::Open { .. } => Metric::RequestsPerCpu,
    }
}

const fn unit(group: &Group<'_>) -> &'static str {
    match group.key.load {
        Load::Closed { .. } => "requests a second",
        Load::Open { .. } => "requests for a second of processor time",
    }
}
