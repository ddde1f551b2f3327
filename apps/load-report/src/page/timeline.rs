//! Latency second by second.

use maud::Markup;

use crate::{
    format,
    model::{Part, Run, Second},
    plot::{Axis, Chart, Dash, Label, Series},
    statistics::Group,
    words,
};

use super::{
    Page, Section,
    parts::{Table, figure, heading, plots},
};

/// Seconds side by side that still can be told apart.
const MOST: usize = 240;

/// The comparison's course.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    Section {
        id: "timeline",
        title: "Latency over time",
        lead: "Of each shape's repeats, the one with the slowest request. A stall is a tower: everybody \
               who was meant to come meanwhile waited. Red at the bottom is the share of requests that \
               were not done.",
        body: courses(page, Part::Compare),
    }
}

/// The course of each shape's worst repeat in one part; nothing where no seconds were kept.
pub(super) fn courses(page: &Page<'_, '_>, part: Part) -> Vec<Markup> {
    let mut body = Vec::new();
    for (at, scene) in page.scenes(part).iter().enumerate() {
        let runs: Vec<(&Group<'_>, &Run)> =
            scene.iter().filter_map(|group| Some((*group, worst(group)?))).collect();
        let Some((first, _)) = runs.first() else { continue };
        let title = format!("{} over time: {}", words::part(part), words::under(first));
        let id = words::part(part).replace(' ', "-");
        let charts: Vec<Markup> = runs
            .iter()
            .enumerate()
            .map(|(of, (group, run))| chart(page, group, run, &runs, &format!("{id}-{at}-{of}")))
            .collect();
        body.extend([heading(&title), plots(&charts), table(&title, &runs).draw()]);
    }
    body
}

/// The repeat with the slowest request; nothing where no seconds were kept.
fn worst<'a>(group: &Group<'a>) -> Option<&'a Run> {
    let runs = group.samples.iter().map(|sample| sample.run);
    let slowest = |run: &Run| run.timeline.iter().map(|second| second.max).max();
    // Of equals the first.
    runs.filter(|run| !run.timeline.is_empty()).rev().max_by_key(|run| slowest(run))
}

fn chart(
    page: &Page<'_, '_>,
    group: &Group<'_>,
    run: &Run,
    all: &[(&Group<'_>, &Run)],
    id: &str,
) -> Markup {
    let seconds = thinned(&run.timeline);
    let line = |name: &str, dash: Dash, value: fn(&Second) -> u64| Series {
        name: name.to_owned(),
        style: page.style(group.key.shape),
        dash,
        points: seconds
            .iter()
            .filter(|(_, second)| value(second) > 0)
            .map(|(at, second)| (*at, value(second) as f64).into())
            .collect(),
        marked: false,
    };
    let series = vec![
        line("slowest", Dash::Dots, |second| second.max),
        line("p99", Dash::Long, |second| second.p99),
        line("p50", Dash::Solid, |second| second.p50),
    ];
    let failed = |second: &Second| second.failed as f64 / second.offered.max(1) as f64;
    let failures = seconds
        .iter()
        .filter(|(_, second)| second.failed > 0)
        .map(|(at, second)| (*at, failed(second)));
    let title = format!("{}, repeat {}", group.key.name(), run.repeat);
    let everything = all.iter().flat_map(|(_, run)| &run.timeline);
    let times = everything.flat_map(|second| [second.p50, second.max]).map(|time| time as f64);
    let lengths = all.iter().map(|(_, run)| run.timeline.len() as f64);
    let chart = Chart {
        label: Label {
            id: id.to_owned(),
            title: title.clone(),
            description:
                "Median, p99 and slowest request of each second; the table has the figures."
                    .to_owned(),
        },
        x: Axis::linear("seconds", lengths, format::number),
        y: Axis::logarithmic("latency", times, format::micros),
        series,
        rules: Vec::new(),
        failures: failures.collect(),
    };
    figure(&words::sentence(&title), &chart.draw())
}

/// Neighbouring seconds put together where there are too many: the slowest of them, and the middle
/// of their medians.
fn thinned(timeline: &[Second]) -> Vec<(f64, Second)> {
    let size = timeline.len().div_ceil(MOST).max(1);
    let together = |(at, seconds): (usize, &[Second])| {
        let sum =
            |value: fn(&Second) -> u64| seconds.iter().map(value).fold(0, u64::saturating_add);
        let most = |value: fn(&Second) -> u64| seconds.iter().map(value).max().unwrap_or(0);
        let mut medians: Vec<u64> = seconds.iter().map(|second| second.p50).collect();
        medians.sort_unstable();
        let second = Second {
            offered: sum(|second| second.offered),
            done: sum(|second| second.done),
            failed: sum(|second| second.failed),
            p50: medians.get(medians.len() / 2).copied().unwrap_or(0),
            p99: most(|second| second.p99),
            max: most(|second| second.max),
        };
        ((at * size) as f64, second)
    };
    timeline.chunks(size).enumerate().map(together).collect()
}

fn table(title: &str, runs: &[(&Group<'_>, &Run)]) -> Table {
    let mut table = Table::new(
        format!("{}: what stands out", words::sentence(title)),
        ["shape", "seconds", "slowest request", "in second", "seconds with failures", "not done"],
    );
    for (group, run) in runs {
        let slowest = run.timeline.iter().enumerate().rev().max_by_key(|(_, second)| second.max);
        let (at, most) = slowest.map_or((0, 0), |(at, second)| (at, second.max));
        let failed = run.timeline.iter().filter(|second| second.failed > 0).count();
        let lost = run.timeline.iter().map(|second| second.failed).fold(0, u64::saturating_add);
        table.rows.push(vec![
            group.key.name(),
            run.timeline.len().to_string(),
            format::micros(most as f64),
            at.to_string(),
            failed.to_string(),
            format::count(lost),
        ]);
    }
    table
}
