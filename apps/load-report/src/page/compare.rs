//! The shapes against each other at one rate, and what is noise.

use maud::Markup;

use crate::{
    format,
    model::Part,
    plot::{Axis, Chart, Dash, Forest, Label, Row, Series},
    statistics::{Group, Judgement, Metric, counterparts, noise as noise_of, paired, percentile},
    words,
};

use super::{
    Page, Section,
    parts::{Table, figure, heading, mean_text, plots},
};

/// What each shape has more or less than the monolith, and how latency is distributed.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    let mut body = Vec::new();
    let scenes = page.scenes(Part::Compare);
    for (at, scene) in scenes.iter().enumerate() {
        let of_scene = |(_, (base, _)): &(usize, &(&Group<'_>, &Group<'_>))| {
            scene.iter().any(|group| group.key == base.key)
        };
        let pairs = counterparts(page.statistics, Part::Compare);
        let mut drawn: Vec<Markup> = pairs
            .iter()
            .enumerate()
            .filter(of_scene)
            .filter_map(|(of, (base, other))| forest(page, base, other, of))
            .collect();
        drawn.push(percentiles(page, scene, at));
        if let (true, Some(first)) = (scenes.len() > 1, scene.first()) {
            body.push(heading(&words::under(first)));
        }
        body.push(plots(&drawn));
        body.push(latency_table(scene).draw());
        body.push(distribution_table(scene).draw());
    }
    Section {
        id: "extraction",
        title: "What extraction adds",
        lead: "In the first plot each mark is the mean difference from the monolith within a repeat, with its 95 % \
               interval; the grey band is how far two runs of one and the same shape lie apart. What \
               reaches into the band or across the line is no difference to speak of. In the \
               second the slowest requests are at the end: each step shows a tenth of those of the step \
               before it.",
        body,
    }
}

fn forest(page: &Page<'_, '_>, base: &Group<'_>, other: &Group<'_>, at: usize) -> Option<Markup> {
    let mut rows = Vec::new();
    for metric in Metric::COMPARED {
        let Some(paired) = paired(base, other, metric) else { continue };
        let Some(share) = paired.share() else { continue };
        let noise = noise_of(page.statistics, base.key.scenario, |_| true, metric);
        let of_base = |value: f64| value / paired.base;
        let signed = format::signed(paired.difference.mean, |size| metric.text(size));
        let text = match paired.judge(noise) {
            Judgement::ContainsZero | Judgement::WithinNoise => format!("{signed}: within noise"),
            Judgement::Once => format!("{signed}, measured once"),
            Judgement::Differs => format!("{signed}, {}", format::signed(share, format::percent)),
        };
        rows.push(Row {
            name: metric.name().to_owned(),
            style: page.style(other.key.shape),
            mean: share,
            interval: paired.difference.map(of_base).interval,
            noise: noise.map(of_base),
            text,
        });
    }
    let title = format!("{} against the monolith, {}", other.key.name(), words::under(base));
    let forest = Forest {
        label: Label {
            id: format!("difference-{at}"),
            title: title.clone(),
            description: rows.iter().map(|row| format!("{}: {}. ", row.name, row.text)).collect(),
        },
        axis: "less than the monolith  ←  →  more".to_owned(),
        rows,
    };
    (!forest.rows.is_empty()).then(|| figure(&words::sentence(&title), &forest.draw()))
}

fn latency_table(scene: &[&Group<'_>]) -> Table {
    let caption = scene.first().map(|group| words::sentence(&words::under(group)));
    let mut table = Table::new(
        format!("{}: means over repeats (95 % interval)", caption.unwrap_or_default()),
        ["shape", "repeats", "goodput", "p50", "p90", "p99", "p99.9", "not done"],
    );
    for group in scene {
        let counts = group.counts();
        let mut row = vec![
            group.key.name(),
            group.samples.len().to_string(),
            mean_text(group, Metric::Goodput),
        ];
        row.extend(Metric::PERCENTILES.map(|metric| mean_text(group, metric)));
        row.push(format::count(counts.intended.saturating_sub(counts.done)));
        table.rows.push(row);
    }
    table
}

/// Latency over percentiles, of all repeats together.
fn percentiles(page: &Page<'_, '_>, scene: &[&Group<'_>], at: usize) -> Markup {
    let mut series = Vec::new();
    let mut rarest = 0.0_f64;
    for group in scene {
        let latency = group.latency();
        // Beyond a tenth of the requests' number a percentile is the luck of a few.
        let last = (latency.len() as f64 / 10.0).clamp(1.0, 1e6);
        rarest = rarest.max(last);
        let steps = (0..=80).map(|step| last.powf(f64::from(step) / 80.0));
        let points = steps.filter_map(|x| Some((x, percentile(&latency, 1.0 - 1.0 / x)?).into()));
        series.push(Series {
            name: group.key.name(),
            style: page.style(group.key.shape),
            dash: Dash::OfShape,
            points: points.collect(),
            marked: false,
        });
    }
    let caption = scene.first().map(|group| words::sentence(&words::under(group)));
    let title = format!("{}: latency by percentile", caption.unwrap_or_default());
    let chart = Chart {
        label: Label {
            id: format!("distribution-{at}"),
            title: title.clone(),
            description: distribution_table(scene)
                .rows
                .iter()
                .map(|row| format!("{}. ", row.join(", ")))
                .collect(),
        },
        x: Axis::percentiles("percentile of requests", rarest),
        y: Axis::logarithmic("latency", ys(&series), format::micros),
        series,
        rules: Vec::new(),
        failures: Vec::new(),
    };
    figure(&title, &chart.draw())
}

fn distribution_table(scene: &[&Group<'_>]) -> Table {
    let caption = scene.first().map(|group| words::sentence(&words::under(group)));
    let mut table = Table::new(
        format!("{}: latency of all repeats together", caption.unwrap_or_default()),
        ["shape", "requests done", "p50", "p90", "p99", "p99.9", "p99.99", "slowest"],
    );
    for group in scene {
        let latency = group.latency();
        let mut row = vec![group.key.name(), format::count(latency.len())];
        row.extend([0.5, 0.9, 0.99, 0.999, 0.9999, 1.0].map(|quantile| {
            percentile(&latency, quantile).map_or_else(super::parts::nothing, format::micros)
        }));
        table.rows.push(row);
    }
    table
}

/// Two runs of one shape.
pub(super) fn noise(page: &Page<'_, '_>) -> Section {
    let mut body = Vec::new();
    for scene in page.scenes(Part::Noise) {
        if let Some(first) = scene.first() {
            body.push(heading(&words::under(first)));
        }
        body.push(latency_table(&scene).draw());
        if let [first, others @ ..] = scene.as_slice() {
            body.extend(others.iter().map(|other| apart(page, first, other).draw()));
        }
    }
    Section {
        id: "noise",
        title: "Noise: one shape against itself",
        lead: "The same shape twice, taking turns as the shapes do. What lies between the two is what \
               this machine does by itself.",
        body,
    }
}

/// How far two groups of one shape lie apart.
fn apart(page: &Page<'_, '_>, first: &Group<'_>, other: &Group<'_>) -> Table {
    let caption = format!("{} less {} within a repeat", other.key.name(), first.key.name());
    let head = ["figure", "difference (95 % interval)", "taken for noise"];
    let mut table = Table::new(words::sentence(&caption), head);
    for metric in Metric::COMPARED {
        let Some(paired) = paired(first, other, metric) else { continue };
        let signed = |value| format::signed(value, |size| metric.text(size));
        let noise = noise_of(page.statistics, first.key.scenario, |_| true, metric);
        table.rows.push(vec![
            metric.name().to_owned(),
            words::estimate(&paired.difference, signed),
            noise.map_or_else(super::parts::nothing, |noise| metric.text(noise)),
        ]);
    }
    table
}

/// Every value that a chart shows.
pub(super) fn ys(series: &[Series]) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.y))
}
