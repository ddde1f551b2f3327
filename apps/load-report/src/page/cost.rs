//! What requests use, and what that costs.

use maud::{Markup, html};

use crate::{
    format,
    model::{Part, ProcessUse, names},
    plot::{Bar, Bars, Label, Segment},
    statistics::{Cost, Estimate, Group, Metric, Prices, Sample},
    words,
};

use super::{
    Page, Section,
    parts::{Table, figure, mean, mean_text, nothing, plots, processes},
};

/// Processor time, memory, round trips and bytes.
pub(super) fn uses(page: &Page<'_, '_>) -> Section {
    let cpu = |process: &ProcessUse, sample: &Sample<'_>| {
        process.cpu as f64 / 1e3 / sample.counts.finished as f64
    };
    let memory = |process: &ProcessUse, _: &Sample<'_>| process.resident_peak as f64;
    let scenes = page.scenes(Part::Compare);
    let mut body = Vec::new();
    for (at, scene) in scenes.iter().enumerate() {
        let drawn: Vec<Markup> = [
            stack(page, scene, Metric::CpuPerRequest, &format!("cpu-{at}"), cpu),
            stack(page, scene, Metric::Memory, &format!("memory-{at}"), memory),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !drawn.is_empty() {
            body.extend([plots(&drawn), each_request(scene).draw(), memories(scene).draw()]);
        }
    }
    Section {
        id: "uses",
        title: "What a request uses",
        lead: "Processor time of all processes but the generator, in user and kernel mode, and the most \
               memory that each program was seen to hold, with the 95 % interval of the sum. Engines hold \
               the same for every shape: their memory is in the table, and in no sum.",
        body,
    }
}

/// What a million requests cost.
pub(super) fn prices(page: &Page<'_, '_>) -> Section {
    let groups: Vec<&Group<'_>> = page.scenes(Part::Compare).into_iter().flatten().collect();
    let costs: Vec<(&Group<'_>, Cost)> =
        groups.into_iter().filter_map(|group| Some((group, Cost::of(group)?))).collect();
    let body = if costs.is_empty() { Vec::new() } else { vec![price_table(&costs)] };
    Section {
        id: "cost",
        title: "Cost of a million requests",
        lead: "Put in your own prices; those that stand here are an example. Processor time is counted \
               as used, not as reserved, and memory for as long as a million requests take at the \
               measured rate.",
        body,
    }
}

/// A bar for each group, its processes stacked; nothing where no process was looked at.
fn stack(
    page: &Page<'_, '_>,
    scene: &[&Group<'_>],
    metric: Metric,
    id: &str,
    of_process: impl Fn(&ProcessUse, &Sample<'_>) -> f64,
) -> Option<Markup> {
    // What an engine holds is no part of the sum.
    let is_part = |name: &&str| metric != Metric::Memory || !names::ENGINES.contains(name);
    let names = processes(scene).into_iter().filter(is_part);
    let bar = |group: &&Group<'_>| {
        let whole = mean(group, metric)?;
        let segment = |(shade, name): (usize, &str)| {
            // A process that this shape does not have leaves its shade to nobody else.
            group.samples.iter().find(|sample| sample.run.processes.contains_key(name))?;
            let used = |sample: &Sample<'_>| {
                sample.run.processes.get(name).map_or(0.0, |process| of_process(process, sample))
            };
            let values: Vec<f64> = group.samples.iter().map(used).collect();
            let value = Estimate::of(&values)?.mean;
            Some(Segment { name: name.to_owned(), value, text: metric.text(value), shade })
        };
        Some(Bar {
            name: words::sentence(&group.key.name()),
            style: Some(page.style(group.key.shape)),
            segments: names.clone().enumerate().filter_map(segment).collect(),
            interval: whole.interval,
            text: words::estimate(&whole, |value| metric.text(value)),
        })
    };
    let bars: Vec<Bar> = scene.iter().filter_map(bar).collect();
    let title = format!("{}: {}", words::sentence(&words::under(scene.first()?)), metric.name());
    let label = Label {
        id: id.to_owned(),
        title: title.clone(),
        description: bars.iter().map(|bar| format!("{}: {}. ", bar.name, bar.text)).collect(),
    };
    (!bars.is_empty()).then(|| figure(&title, &Bars { label, bars }.draw()))
}

fn each_request(scene: &[&Group<'_>]) -> Table {
    const METRICS: [Metric; 5] = [
        Metric::CpuPerRequest,
        Metric::RequestsPerCpu,
        Metric::RoundTrips,
        Metric::DatabaseBytes,
        Metric::Bytes,
    ];
    let caption = scene.first().map(|group| words::sentence(&words::under(group)));
    let mut table = Table::new(
        format!("{}: for a request (95 % interval)", caption.unwrap_or_default()),
        ["shape"],
    );
    table.head.extend(METRICS.map(|metric| metric.name().to_owned()));
    for group in scene {
        let mut row = vec![group.key.name()];
        row.extend(METRICS.map(|metric| mean_text(group, metric)));
        table.rows.push(row);
    }
    table
}

fn memories(scene: &[&Group<'_>]) -> Table {
    let caption = scene.first().map(|group| words::sentence(&words::under(group)));
    let mut table = Table::new(
        format!(
            "{}: resident memory of each process, means over repeats",
            caption.unwrap_or_default()
        ),
        ["shape", "process", "how many", "at the beginning", "at the end", "the most"],
    )
    .words(2);
    for group in scene {
        for name in processes(&[*group]) {
            let samples = group.samples.iter();
            let used: Vec<&ProcessUse> =
                samples.filter_map(|sample| sample.run.processes.get(name)).collect();
            let mean = |value: fn(&ProcessUse) -> u64| {
                let values: Vec<f64> = used.iter().map(|process| value(process) as f64).collect();
                Estimate::of(&values).map_or_else(nothing, |estimate| format::bytes(estimate.mean))
            };
            let count = used.iter().map(|process| process.count).max().unwrap_or(0);
            table.rows.push(vec![
                group.key.name(),
                name.to_owned(),
                count.to_string(),
                mean(|process| process.resident.0),
                mean(|process| process.resident.1),
                mean(|process| process.resident_peak),
            ]);
        }
    }
    table
}

fn price_table(costs: &[(&Group<'_>, Cost)]) -> Markup {
    let Prices { cpu_hour, gib_hour } = Prices::EXAMPLE;
    html! {
        p.prices {
            label { "An hour of one processor " input id="price-cpu" type="number" min="0" step="any" value=(cpu_hour); }
            label { "An hour of one GiB of memory " input id="price-gib" type="number" min="0" step="any" value=(gib_hour); }
        }
        div.scroll tabindex="0" role="region" aria-label="Cost of a million requests" {
            table {
                caption { "Cost of a million requests, in the currency of the prices" }
                thead { tr {
                    th scope="col" { "shape" } th.words scope="col" { "scenario and load" }
                    th scope="col" { "processor hours" } th scope="col" { "GiB hours" } th scope="col" { "cost" }
                } }
                tbody {
                    @for (group, cost) in costs {
                        tr {
                            th scope="row" { (group.key.name()) }
                            td.words { (words::under(group)) }
                            td { (format::number(cost.cpu_hours)) }
                            td { (format::number(cost.gib_hours)) }
                            td data-cpu-hours=(cost.cpu_hours) data-gib-hours=(cost.gib_hours) {
                                (format::number(cost.total(Prices::EXAMPLE)))
                            }
                        }
                    }
                }
            }
        }
    }
}
