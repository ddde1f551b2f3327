//! Every run, so that nobody has to trust a mean.

use crate::{
    format,
    model::names,
    statistics::{Metric, percentile},
    words,
};

use super::{
    Page, Section,
    parts::{Table, nothing},
};

/// A row for each run.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    const METRICS: [Metric; 8] = [
        Metric::Offered,
        Metric::Goodput,
        Metric::P50,
        Metric::P90,
        Metric::P99,
        Metric::P999,
        Metric::CpuPerRequest,
        Metric::Memory,
    ];
    let mut table =
        Table::new("Every run", ["part", "shape", "scenario and load", "repeat", "seconds"])
            .words(3);
    table.head.extend(METRICS.map(|metric| metric.name().to_owned()));
    table.head.extend(["p99 once sent", "sent late at p99", "generator's CPU"].map(str::to_owned));
    for group in &page.statistics.groups {
        for sample in &group.samples {
            let mut row = vec![
                words::sentence(words::part(group.key.part)),
                group.key.name(),
                words::under(group),
                sample.run.repeat.to_string(),
                format::number(sample.run.measured_s),
            ];
            row.extend(
                METRICS.map(|metric| {
                    metric.of(sample).map_or_else(nothing, |value| metric.text(value))
                }),
            );
            let service = percentile(&sample.service, 0.99);
            row.push(service.map_or_else(nothing, format::micros));
            let late = sample.run.generator.as_ref().map(|generator| generator.late.p99);
            row.push(late.map_or_else(nothing, |late| format::micros(late as f64)));
            let generator = sample.run.processes.get(names::GENERATOR);
            row.push(generator.map_or_else(nothing, |process| {
                format!(
                    "{} cores",
                    format::number(process.cpu as f64 / 1e6 / sample.run.measured_s)
                )
            }));
            table.rows.push(row);
        }
    }
    Section {
        id: "runs",
        title: "Every run",
        lead: "One row a run, repeats below each other. Once sent: without the time that a request \
               waited in the generator, which the column beside it tells.",
        body: if table.rows.is_empty() { Vec::new() } else { vec![table.draw()] },
    }
}
