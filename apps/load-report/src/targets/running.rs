//! What is asked of a shape in bad times and over long ones.

use crate::{
    format,
    model::{Part, Run, names},
    statistics::{Counts, Estimate, Group, Growth, Statistics, growth, overloads},
    words,
};

use super::{Asked, Limit, Target, Verdict};

/// Of the peak, at three times capacity.
const LEAST_GOODPUT: f64 = 0.8;
/// Of what fails under overload: the share that is refused at once. Some time out on the way.
const LEAST_REFUSED: f64 = 0.99;
/// Overload is judged from this many times the peak on; the target speaks of three, and rates are
/// chosen before the peak is known exactly.
const OVERLOAD: f64 = 2.5;
/// Memory is called flat while it gains at most this share an hour.
const MOST_GROWTH: f64 = 0.05;
/// Seconds from which on a soak speaks for an hour.
const AN_HOUR: f64 = 3_540.0;
/// Microseconds.
const MOST_START: f64 = 200_000.0;
/// Seconds.
const MOST_DURATION: u64 = 3_600;

/// What remains of the peak at three times capacity.
pub(super) fn overload(statistics: &Statistics<'_>) -> Vec<Target> {
    let asked = |name: &str| {
        Asked::new(
            format!("Goodput of {name} at three times capacity"),
            format!(
                "at least {} of its peak, the rest refused with 503 and Retry-After",
                format::percent(LEAST_GOODPUT)
            ),
        )
    };
    let mut targets = Vec::new();
    for overload in overloads(statistics) {
        let limit = Limit::AtLeast(LEAST_GOODPUT);
        let measured = format!(
            "{} at {} times the peak of {}; {} of what failed was refused with 503 and Retry-After",
            words::estimate(&overload.kept, format::percent),
            format::number(overload.times),
            format::rate(overload.peak),
            format::percent(overload.refused),
        );
        let asked = asked(&overload.point.group.key.name());
        targets.push(if overload.times < OVERLOAD {
            asked.not_measured(format!("{measured}, which is too little load"))
        } else if overload.refused < LEAST_REFUSED {
            asked.found(measured, Verdict::Missed)
        } else {
            asked.found(measured, limit.verdict(&overload.kept))
        });
    }
    if targets.is_empty() {
        let why = "no overload was run on a shape whose peak a sweep found";
        targets.push(asked("either shape").not_measured(why));
    }
    targets
}

/// Requests that a rolling restart fails.
pub(super) fn restart(statistics: &Statistics<'_>) -> Target {
    let asked = Asked::new("A rolling restart under load", "fails no request");
    let mut all = Counts::default();
    let mut names = Vec::new();
    for group in statistics.part(Part::RollingRestart) {
        all.add(&group.counts());
        names.push(group.key.name());
    }
    let lost = all.intended.saturating_sub(all.done);
    if all.intended == 0 {
        return asked.not_measured("no rolling restart was run");
    }
    let measured = format!(
        "{} of {} requests were not done, on {}",
        format::count(lost),
        format::count(all.intended),
        words::list(&names)
    );
    asked.found(measured, Verdict::of(lost == 0))
}

/// Memory over an hour.
pub(super) fn soak(statistics: &Statistics<'_>) -> Vec<Target> {
    let asked = |name: &str| {
        Asked::new(
            format!("Memory of {name} at steady load"),
            format!("flat over an hour: at most {} gained", format::percent(MOST_GROWTH)),
        )
    };
    let mut targets = Vec::new();
    for group in statistics.part(Part::Soak) {
        let asked = asked(&group.key.name());
        let Some((name, worst)) = fastest_growing(group) else {
            targets.push(asked.not_measured("no memory was looked at"));
            continue;
        };
        let seconds = shortest(group);
        let measured = format!(
            "{name} gains {} an hour ({}), over {}",
            format::signed(worst.an_hour, format::bytes),
            format::signed(worst.share, format::percent),
            format::minutes(seconds),
        );
        targets.push(if seconds < AN_HOUR {
            asked.not_measured(format!("{measured}, which is too short"))
        } else {
            asked.found(measured, Verdict::of(worst.share <= MOST_GROWTH))
        });
    }
    if targets.is_empty() {
        targets.push(asked("the programs").not_measured("no soak was run"));
    }
    targets
}

/// How soon the monolith is ready.
pub(super) fn start(statistics: &Statistics<'_>) -> Target {
    let asked = Asked::new(
        "The monolith on the embedded default is ready",
        format!("within {}", format::micros(MOST_START)),
    );
    let starts = statistics.campaign.starts.iter();
    let ours =
        starts.filter(|start| start.program == names::MONOLITH && start.engine == names::EMBEDDED);
    let times: Vec<f64> = ours.map(|start| start.ready as f64).collect();
    match Estimate::of(&times) {
        Some(estimate) => {
            let limit = Limit::AtMost(MOST_START);
            asked.found(words::estimate(&estimate, format::micros), limit.verdict(&estimate))
        }
        None => asked.not_measured("no start on the embedded engine was timed"),
    }
}

/// How long the whole took.
pub(super) fn duration(statistics: &Statistics<'_>) -> Target {
    let asked = Asked::new("A full run, without a soak", "takes an hour at most");
    match statistics.campaign.about.took_s {
        0 => asked.not_measured("nobody took the time"),
        took => asked.found(format::minutes(took as f64), Verdict::of(took <= MOST_DURATION)),
    }
}

/// The program, engines aside, that gains the largest share an hour in any repeat.
fn fastest_growing<'a>(group: &Group<'a>) -> Option<(&'a str, Growth)> {
    let samples = group.samples.iter();
    let programs = samples.flat_map(|sample| {
        let Run { measured_s, .. } = sample.run;
        let programs = sample.servers().filter(|(name, _)| !names::ENGINES.contains(name));
        programs.filter_map(move |(name, process)| Some((name, growth(process, *measured_s)?)))
    });
    programs.max_by(|(_, one), (_, other)| one.share.total_cmp(&other.share))
}

fn shortest(group: &Group<'_>) -> f64 {
    let seconds = group.samples.iter().map(|sample| sample.run.measured_s);
    seconds.fold(f64::INFINITY, f64::min)
}
