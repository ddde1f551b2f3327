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
    let others = page.statistics.part(Part::NoisyNeighbour);
    let mut others: Vec<Group<'_>> =
        others.map(|group| group.narrowed(|name| !name.contains(names::BILLING_PATH))).collect();
    others.sort_by_key(|group| page.style(group.key.shape));
    let others: Vec<&Group<'_>> = others.iter().collect();
    let mut body = Vec::new();
    if !others.is_empty() {
        // Their load is not the same: that is what is compared.
        let charts = [Metric::P50, Metric::P99].map(|metric| {
            bars(page, &others, metric, "noisy", "Requests outside billing".to_owned())
        });
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
        let under = scene.first().map(|group| words::sentence(&words::under(group)));
        let under = under.unwrap_or_default();
        let charts = [Metric::Goodput, Metric::P99]
            .map(|metric| bars(page, scene, metric, &format!("scaling-{at}"), under.clone()));
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

fn bars(
    page: &Page<'_, '_>,
    scene: &[&Group<'_>],
    metric: Metric,
    id: &str,
    under: String,
) -> Markup {
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
    let title = format!("{under}: {}", metric.name());
    let label = Label {
        id: format!("{id}-{}", metric.name().replace('.', "-")),
        title: title.clone(),
        description: bars.iter().map(|bar| format!("{}: {}. ", bar.name, bar.text)).collect(),
    };
    figure(&title, &Bars { label, bars }.draw())
}

fn table(caption: &str, scene: &[&Group<'_>], metrics: &[Metric]) -> Table {
    let caption = format!("{caption} (95 % interval)");
    let mut table = Table::new(caption, ["shape", "scenario and load", "repeats"]).words(2);
    table.head.extend(metrics.iter().map(|metric| metric.name().to_owned()));
    for group in scene {
        let (name, under) = (group.key.name(), words::under(group));
        let mut row = vec![name, under, group.samples.len().to_string()];
        row.extend(metrics.iter().map(|metric| mean_text(group, *metric)));
        table.rows.push(row);
    }
    table
}
