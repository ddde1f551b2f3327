//! Overload, restarts, long runs, the handler written by hand, and telemetry.

use maud::Markup;

use crate::{
    format,
    model::{Part, Run},
    plot::{Axis, Chart, Dash, Label, Series},
    statistics::{Group, Metric, growth, overloads},
    words,
};

use super::{
    Page, Section,
    compare::ys,
    parts::{Table, figure, mean_text, nothing, plots},
    timeline::courses,
};

/// Far more than can be served.
pub(super) fn overload(page: &Page<'_, '_>) -> Section {
    let mut table = Table::new(
        "Under overload (95 % interval)",
        [
            "shape",
            "offered",
            "over its peak",
            "goodput",
            "of its peak",
            "refused with 503",
            "dropped",
            "p99 of those done",
        ],
    );
    let known = overloads(page.statistics);
    for group in page.statistics.part(Part::Overload) {
        let found = known.iter().find(|overload| overload.point.group.key == group.key);
        let counts = group.counts();
        table.rows.push(vec![
            group.key.name(),
            mean_text(group, Metric::Offered),
            found.map_or_else(nothing, |overload| {
                format!("{} times", format::number(overload.times))
            }),
            mean_text(group, Metric::Goodput),
            found.map_or_else(nothing, |overload| words::estimate(&overload.kept, format::percent)),
            format::count(counts.failed.get("503").copied().unwrap_or(0)),
            format::count(counts.dropped),
            mean_text(group, Metric::P99),
        ]);
    }
    Section {
        id: "overload",
        title: "Overload",
        lead: "What remains when far more is asked for than can be done. A peak is the most that the \
               sweep saw done; without a sweep nobody knows it.",
        body: with_course(page, table, Part::Overload),
    }
}

/// Programs replaced under load.
pub(super) fn restart(page: &Page<'_, '_>) -> Section {
    let mut table = Table::new(
        "While programs were replaced (95 % interval)",
        ["shape", "requests", "not done", "what came instead", "p50", "p99", "p99.9"],
    );
    for group in page.statistics.part(Part::RollingRestart) {
        let counts = group.counts();
        let kinds = words::came_instead(&counts);
        table.rows.push(vec![
            group.key.name(),
            format::count(counts.intended),
            format::count(counts.intended.saturating_sub(counts.done)),
            if kinds.is_empty() { nothing() } else { words::list(&kinds) },
            mean_text(group, Metric::P50),
            mean_text(group, Metric::P99),
            mean_text(group, Metric::P999),
        ]);
    }
    Section {
        id: "restart",
        title: "Rolling restart",
        lead: "Programs are replaced one after the other while requests go on.",
        body: with_course(page, table, Part::RollingRestart),
    }
}

/// The same for hours.
pub(super) fn soak(page: &Page<'_, '_>) -> Section {
    let mut table = Table::new(
        "Memory over a soak",
        [
            "shape",
            "process",
            "seconds",
            "at the beginning",
            "at the end",
            "the most",
            "gained an hour",
        ],
    )
    .words(2);
    let mut charts = Vec::new();
    for (at, group) in page.statistics.part(Part::Soak).enumerate() {
        for sample in &group.samples {
            for (name, process) in sample.servers() {
                let growth = growth(process, sample.run.measured_s);
                table.rows.push(vec![
                    group.key.name(),
                    name.to_owned(),
                    format::number(sample.run.measured_s),
                    format::bytes(process.resident.0 as f64),
                    format::bytes(process.resident.1 as f64),
                    format::bytes(process.resident_peak as f64),
                    growth.map_or_else(nothing, |growth| {
                        format::signed(growth.an_hour, format::bytes)
                    }),
                ]);
            }
        }
        charts.extend(group.samples.first().and_then(|sample| memory(page, group, sample.run, at)));
    }
    let mut body = with_course(page, table, Part::Soak);
    if !charts.is_empty() {
        body.insert(0, plots(&charts));
    }
    Section {
        id: "soak",
        title: "Soak",
        lead: "Memory under steady load over a long time. What is gained an hour is the median slope \
               after the first tenth of the time, in which pools and caches fill.",
        body,
    }
}

/// One read against a handler written by hand.
pub(super) fn baseline(page: &Page<'_, '_>) -> Section {
    let table = throughput(page, Part::Baseline, "One authenticated read (95 % interval)");
    Section {
        id: "baseline",
        title: "Against a handler written by hand",
        lead: "The same read from the same database: by the monolith; by a handler written by hand with \
               the same guarantees, which verifies each token, or remembers those that it has verified, \
               as the monolith does; and by one with no guarantees.",
        body: drawn(table),
    }
}

/// With telemetry and without.
pub(super) fn telemetry(page: &Page<'_, '_>) -> Section {
    let table = throughput(page, Part::Telemetry, "With telemetry and without (95 % interval)");
    Section {
        id: "telemetry",
        title: "What telemetry costs",
        lead: "Two monoliths did the same for the same people at the same time, so that what slows the \
               machine slows both. Off: no metrics, and no traces. On: metrics are gathered, read every \
               fifteen seconds as Prometheus does, and sent to a collector, which also gets a tenth of \
               the traces and those that fail. Engines worked for both; each has as much of their \
               processor time as it has of the requests.",
        body: drawn(table),
    }
}

/// What is done, and what a second of processor time is good for.
fn throughput(page: &Page<'_, '_>, part: Part, caption: &str) -> Table {
    let head = ["who serves it", "load", "goodput", "requests per CPU second", "p50", "p99"];
    let mut table = Table::new(caption, head).words(2);
    for group in page.statistics.part(part) {
        let mut row = vec![group.key.name(), words::load(group.key.load)];
        row.extend(
            [Metric::Goodput, Metric::RequestsPerCpu, Metric::P50, Metric::P99]
                .map(|metric| mean_text(group, metric)),
        );
        table.rows.push(row);
    }
    table
}

/// Memory over time, each process a line.
fn memory(page: &Page<'_, '_>, group: &Group<'_>, run: &Run, at: usize) -> Option<Markup> {
    let line = |name: &str, dash: Dash, seen: &[u64]| {
        let step = run.measured_s / (seen.len().max(2) - 1) as f64;
        let every = seen.len().div_ceil(300).max(1);
        let points = seen.iter().enumerate().step_by(every);
        Series {
            name: name.to_owned(),
            style: page.style(group.key.shape),
            dash,
            points: points
                .map(|(at, bytes)| (at as f64 * step, *bytes as f64 / MIB).into())
                .collect(),
            marked: false,
        }
    };
    let dashes = [Dash::Solid, Dash::Long, Dash::Dots].into_iter().cycle();
    let seen = run.processes.iter().filter(|(name, process)| {
        process.resident_over_time.len() > 1 && *name != crate::model::names::GENERATOR
    });
    let series: Vec<Series> = seen
        .zip(dashes)
        .map(|((name, process), dash)| line(name, dash, &process.resident_over_time))
        .collect();
    let title = format!("{}: resident memory over time", words::sentence(&group.key.name()));
    let chart = Chart {
        label: Label {
            id: format!("soak-{at}"),
            title: title.clone(),
            description: "Resident memory of each process; the table has the figures.".to_owned(),
        },
        x: Axis::linear("seconds", [run.measured_s], format::number),
        y: Axis::linear("resident, MiB", ys(&series), format::number),
        series,
        rules: Vec::new(),
        failures: Vec::new(),
    };
    (!chart.series.is_empty()).then(|| figure(&title, &chart.draw()))
}

fn with_course(page: &Page<'_, '_>, table: Table, part: Part) -> Vec<Markup> {
    let mut body = drawn(table);
    body.extend(courses(page, part));
    body
}

fn drawn(table: Table) -> Vec<Markup> {
    if table.rows.is_empty() { Vec::new() } else { vec![table.draw()] }
}

const MIB: f64 = 1_048_576.0;
