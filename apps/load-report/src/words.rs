//! Phrases that findings, targets and tables share.

use crate::{
    format,
    model::{Build, Load, Part},
    statistics::{Counts, Estimate, Group, Judgement, Metric, Paired},
};

/// What came instead of answers, with how often: `503: 12`.
pub(crate) fn came_instead(counts: &Counts) -> Vec<String> {
    let kinds = counts.failed.iter();
    kinds.map(|(kind, count)| format!("{kind}: {}", format::count(*count))).collect()
}

/// Every part, in the order in which a report tells of them.
pub(crate) const PARTS: [Part; 10] = [
    Part::Compare,
    Part::Sweep,
    Part::Overload,
    Part::NoisyNeighbour,
    Part::Scaling,
    Part::RollingRestart,
    Part::Soak,
    Part::Baseline,
    Part::Telemetry,
    Part::Noise,
];

/// As it stands in a sentence.
pub(crate) const fn part(part: Part) -> &'static str {
    match part {
        Part::Noise => "A/A noise",
        Part::Compare => "comparison at one rate",
        Part::Sweep => "sweep of rates",
        Part::Overload => "overload",
        Part::NoisyNeighbour => "noisy neighbour",
        Part::Scaling => "independent scaling",
        Part::RollingRestart => "rolling restart",
        Part::Soak => "soak",
        Part::Baseline => "baseline",
        Part::Telemetry => "telemetry on and off",
    }
}

/// How programs were compiled.
pub(crate) const fn build(build: Build) -> &'static str {
    match build {
        Build::Optimised => "optimised",
        Build::Unoptimised => "not optimised",
        Build::Unknown => "built by somebody else",
    }
}

/// How requests came.
pub(crate) fn load(load: Load) -> String {
    match load {
        Load::Open { rate } => format!("{} journeys a second", format::number(rate)),
        Load::Closed { people } => format!("{} people in turn", format::count(people.into())),
    }
}

/// Scenario and load.
pub(crate) fn under(group: &Group<'_>) -> String {
    format!("{} at {}", group.key.scenario, load(group.key.load))
}

/// ` (a to b)`, or that there is no interval.
pub(crate) fn interval(estimate: &Estimate, text: impl Fn(f64) -> String) -> String {
    match estimate.interval {
        Some((low, high)) => format!(" ({})", range(&text(low), &text(high))),
        None => " (measured once)".to_owned(),
    }
}

/// `a to b`, with the unit once where it is the same.
fn range(low: &str, high: &str) -> String {
    let parts = |text: &str| {
        let unit = text.rfind(|sign: char| sign.is_ascii_digit()).map_or(0, |last| last + 1);
        let (number, unit) = text.split_at(unit);
        (number.to_owned(), unit.to_owned())
    };
    let ((low_number, low_unit), (_, high_unit)) = (parts(low), parts(high));
    let low = if low_unit == high_unit { &low_number } else { low };
    format!("{low} to {high}")
}

/// A mean and its interval.
pub(crate) fn estimate(estimate: &Estimate, text: impl Fn(f64) -> String) -> String {
    format!("{}{}", text(estimate.mean), interval(estimate, text))
}

/// A difference as how much higher or lower, with its interval.
pub(crate) fn moved(difference: &Estimate, text: impl Fn(f64) -> String) -> String {
    if difference.mean < 0.0 {
        let (mean, repeats) = (-difference.mean, difference.repeats);
        let interval = difference.interval.map(|(low, high)| (-high, -low));
        let size = Estimate { mean, interval, repeats };
        format!("{} lower{}", text(mean), self::interval(&size, text))
    } else {
        format!("{} higher{}", text(difference.mean), interval(difference, text))
    }
}

/// What a comparison says of `metric`: a difference, or that there is none to speak of.
pub(crate) fn compared(metric: Metric, paired: &Paired, noise: Option<f64>) -> String {
    let name = metric.name();
    let signed = |value| format::signed(value, |size| metric.text(size));
    let difference = &paired.difference;
    let size = signed(difference.mean);
    let share = paired.share().map(|share| format!(", {}", format::signed(share, format::percent)));
    let share = share.unwrap_or_default();
    match paired.judge(noise) {
        Judgement::Differs => {
            format!("{name} {}{share}", moved(difference, |size| metric.text(size)))
        }
        Judgement::ContainsZero => format!(
            "{name} within noise ({size}, but the interval{} contains zero)",
            interval(difference, signed)
        ),
        Judgement::WithinNoise => format!(
            "{name} within noise ({size}, but two runs of one shape lie up to {} apart)",
            metric.text(noise.unwrap_or_default())
        ),
        Judgement::Once => format!("{name} {size}{share}, measured once and perhaps by chance"),
    }
}

/// `one, two and three`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// With a capital, as at the beginning of a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut signs = text.chars();
    match signs.next() {
        Some(first) => first.to_uppercase().chain(signs).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_written_once() {
        let estimate = |low, high| Estimate { mean: 0.0, interval: Some((low, high)), repeats: 5 };
        assert_eq!(interval(&estimate(459.0, 587.0), format::micros), " (459 to 587\u{a0}µs)");
        assert_eq!(
            interval(&estimate(459.0, 1_587.0), format::micros),
            " (459\u{a0}µs to 1.59\u{a0}ms)"
        );
        assert_eq!(interval(&estimate(0.802, 0.836), format::percent), " (80.2 to 83.6\u{a0}%)");
    }

    #[test]
    fn a_fall_is_told_by_its_size() {
        let fall = Estimate { mean: -5.0, interval: Some((-7.0, -3.0)), repeats: 5 };
        assert_eq!(moved(&fall, format::micros), "5\u{a0}µs lower (3 to 7\u{a0}µs)");
    }

    #[test]
    fn a_list_reads_as_one() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..1]), "a");
    }
}
