//! The monolith against a handler written by hand.

use crate::{
    format,
    model::{Part, names},
    statistics::{Estimate, Group, Metric, Statistics, paired},
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
    // What the product does is asked of who is compared with it; older campaigns did not.
    let by_hand = shape(names::REMEMBERING).or_else(|| shape(names::BY_HAND));
    let (Some(ours), Some(by_hand)) = (shape(names::MONOLITH), by_hand) else {
        return asked.not_measured("no baseline was run");
    };
    let Some(ratio) = share(by_hand, ours) else {
        return asked.not_measured("the baseline's runs have no repeat in common");
    };
    let limit = Limit::AtLeast(LEAST);
    let mut measured =
        format!("{} for a second of processor time", words::estimate(&ratio, times_as_percent));
    if let Some(ratio) = by(by_hand, ours, Metric::Goodput) {
        measured += &format!(
            " ({} as requests a second, in which the generator has its share)",
            words::estimate(&ratio, times_as_percent)
        );
    }
    if by_hand.key.shape == names::REMEMBERING
        && let Some(ratio) = shape(names::BY_HAND).and_then(|each| share(each, ours))
    {
        measured += &format!(
            "; {} of one that verifies each token",
            words::estimate(&ratio, times_as_percent)
        );
    }
    if let Some(ratio) = shape(names::BARE).and_then(|bare| share(bare, by_hand)) {
        let kept = words::estimate(&ratio, format::percent);
        measured +=
            &format!("; with the guarantees, the handler by hand keeps {kept} of a bare one");
    }
    asked.found(measured, limit.verdict(&ratio))
}

/// What `group` serves for a second of processor time, over what `base` does. Requests a second would
/// flatter both: what the generator takes of the same cores is the same for either.
fn share(base: &Group<'_>, group: &Group<'_>) -> Option<Estimate> {
    by(base, group, Metric::RequestsPerCpu)
}

fn by(base: &Group<'_>, group: &Group<'_>, metric: Metric) -> Option<Estimate> {
    paired(base, group, metric)?.ratio
}
