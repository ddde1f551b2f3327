//! Where extraction may win: a noisy neighbour, and replicas of one module alone.

use maud::Markup;

use crate::{
    model::{Part, names},
    plot::{Bar, Bars, Label, Segment},
    statistics::{Group, Metric},
    words,
};

use super::{
    Page, Section,
    parts::{Table, figure, mean, mean_text, plots},
};

/// Requests outside billing while billing is flooded.
pub(super) fn noisy_neighbour(page: &Page<'_, '_>) -> Section {
    let mut body = Vec::new();
    for (at, scene) in page.scenes(Part::NoisyNeighbour).iter().enumerate() {
        let others: Vec<Group<'_>> = scene
            .iter()
            .map(|group| group.narrowed(|name| !name.contains(names::BILLING_PATH)))
            .collect();
        let others: Vec<&Group<'_>> = others.iter().collect();
        let charts = [Metric::P50, Metric::P99]
            .map(|metric| bars(page, &others, metric, &format!("noisy-{at}")));
        body.push(plots(&charts));
        let metrics = [Metric::Goodput, Metric::P50, Metric::P90, Metric::P99, Metric::P999];
        body.push(table("Requests outside billing", &others, &metrics).draw());
    }
    Section {
        id: "noisy-neighbour",
        title: "A noisy neighbour",
        lead: "Usage floods billing while people log in. Shown are the requests that have nothing to do \
               with billing: shorter is better.",
        body,
    }
}

/// Replicas of billing.
pub(super) fn scaling(page: &Page<'_, '_>) -> Section {
    let mut body = Vec::new();
    for (at, scene) in page.scenes(Part::Scaling).iter().enumerate() {
        let charts = [Metric::Goodput, Metric::P99]
            .map(|metric| bars(page, scene, metric, &format!("scaling-{at}")));
        body.push(plots(&charts));
        let metrics =
            [Metric::Goodput, Metric::P50, Metric::P99, Metric::RequestsPerCpu, Metric::Memory];
        body.push(table("Replicas", scene, &metrics).draw());
    }
    Section {
        id: "scaling",
        title: "Scaling billing alone",
        lead: "One replica of billing against several, the rest of the product as it was.",
        body,
    }
}

fn bars(page: &Page<'_, '_>, scene: &[&Group<'_>], metric: Metric, id: &str) -> Markup {
    let bar = |group: &&Group<'_>| {
        let whole = mean(group, metric)?;
        Some(Bar {
            name: words::sentence(&group.key.name()),
            style: Some(page.style(group.key.shape)),
            segments: vec![Segment {
                name: String::new(),
                value: whole.mean,
                text: String::new(),
                shade: 0,
            }],
            interval: whole.interval,
            text: words::estimate(&whole, |value| metric.text(value)),
        })
    };
    let bars: Vec<Bar> = scene.iter().filter_map(bar).collect();
    let under = scene.first().map(|group| words::sentence(&words::under(group)));
    let title = format!("{}: {}", under.unwrap_or_default(), metric.name());
    let label = Label {
        id: format!("{id}-{}", metric.name().replace('.', "-")),
        title: title.clone(),
        description: bars.iter().map(|bar| format!("{}: {}. ", bar.name, bar.text)).collect(),
    };
    figure(&title, &Bars { label, bars }.draw())
}

fn table(caption: &str, scene: &[&Group<'_>], metrics: &[Metric]) -> Table {
    let under = scene.first().map(|group| words::under(group)).unwrap_or_default();
    let mut table = Table::new(format!("{caption}, {under} (95 % interval)"), ["shape", "repeats"]);
    table.head.extend(metrics.iter().map(|metric| metric.name().to_owned()));
    for group in scene {
        let mut row = vec![group.key.name(), group.samples.len().to_string()];
        row.extend(metrics.iter().map(|metric| mean_text(group, *metric)));
        table.rows.push(row);
    }
    table
}
