//! Rising rates.

use maud::Markup;

use crate::{
    format,
    model::Part,
    plot::{Axis, Chart, Dash, Label, Point as Place, Rule, Series},
    statistics::{Bound, Curve, Knee, Metric, Point, curves},
    words,
};

use super::{
    Page, Section,
    compare::ys,
    parts::{Table, figure, nothing, plots},
};

/// What is done of what is offered, and how soon.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    let mut body = Vec::new();
    for (at, curves) in by_scenario(page).iter().enumerate() {
        let mut charts = vec![goodput(page, curves, at), lost(page, curves, at)];
        charts.extend((0..Metric::PERCENTILES.len()).map(|of| percentile(page, curves, at, of)));
        body.push(plots(&charts));
        body.push(table(curves).draw());
    }
    Section {
        id: "sweep",
        title: "Throughput and latency against offered rate",
        lead: "Along the diagonal everything that is asked for is done. Where a curve leaves it, the \
               shape is full; what it does beyond shows whether it sheds load or drowns in it. Latency \
               is that of requests that were done, all repeats together.",
        body,
    }
}

/// Curves of one scenario, shapes in their order.
fn by_scenario<'s, 'a>(page: &Page<'s, 'a>) -> Vec<Vec<Curve<'s, 'a>>> {
    let mut scenarios: Vec<Vec<Curve<'s, 'a>>> = Vec::new();
    for curve in curves(page.statistics, Part::Sweep) {
        let is_same = |known: &&mut Vec<Curve<'_, '_>>| {
            known.first().is_some_and(|one| one.group.key.scenario == curve.group.key.scenario)
        };
        match scenarios.iter_mut().find(is_same) {
            Some(known) => known.push(curve),
            None => scenarios.push(vec![curve]),
        }
    }
    for curves in &mut scenarios {
        curves.sort_by_key(|curve| page.style(curve.group.key.shape));
    }
    scenarios
}

fn goodput(page: &Page<'_, '_>, curves: &[Curve<'_, '_>], at: usize) -> Markup {
    let place = |point: &Point<'_, '_>| Place {
        x: point.offered,
        y: point.goodput.mean,
        interval: point.goodput.interval,
    };
    let series = lines(page, curves, |point| Some(place(point)));
    let title = format!("{}: requests done, by requests offered", scenario(curves));
    let chart = Chart {
        label: Label {
            id: format!("goodput-{at}"),
            title: title.clone(),
            description: curves.iter().map(described).collect(),
        },
        x: Axis::linear("requests offered a second", xs(&series), format::number),
        y: Axis::linear("requests done a second", ys(&series), format::number),
        series,
        rules: vec![Rule::Diagonal("all done".to_owned())],
        failures: Vec::new(),
    };
    figure(&title, &chart.draw())
}

fn lost(page: &Page<'_, '_>, curves: &[Curve<'_, '_>], at: usize) -> Markup {
    let series =
        lines(page, curves, |point| Some((point.offered, (1.0 - point.done).max(0.0)).into()));
    let title = format!("{}: errors and drops", scenario(curves));
    let chart = Chart {
        label: Label {
            id: format!("lost-{at}"),
            title: title.clone(),
            description: "The share of requests not done at each offered rate.".to_owned(),
        },
        x: Axis::linear("requests offered a second", xs(&series), format::number),
        y: Axis::linear("requests not done", ys(&series).chain([0.01]), format::percent),
        series,
        rules: Vec::new(),
        failures: Vec::new(),
    };
    figure(&title, &chart.draw())
}

fn percentile(page: &Page<'_, '_>, curves: &[Curve<'_, '_>], at: usize, which: usize) -> Markup {
    let series = lines(page, curves, |point| {
        let latency = *point.latency?.get(which)?;
        Some((point.offered, latency).into())
    });
    let name = Metric::PERCENTILES.get(which).map_or("", |metric| metric.name());
    let title = format!("{}: {name}", scenario(curves));
    let is_bound = name == Metric::P99.name();
    let bound = || {
        Rule::Level(
            Bound::KNEE.p99,
            format!("{}: the knee's bound", format::micros(Bound::KNEE.p99)),
        )
    };
    let y = Axis::logarithmic(name, ys(&series), format::micros);
    let is_inside = (0.001..0.999).contains(&y.share(Bound::KNEE.p99));
    let chart = Chart {
        label: Label {
            id: format!("latency-{at}-{which}"),
            title: title.clone(),
            description: "Latency at each offered rate; the table has the figures.".to_owned(),
        },
        x: Axis::linear("requests offered a second", xs(&series), format::number),
        y,
        series,
        rules: if is_bound && is_inside { vec![bound()] } else { Vec::new() },
        failures: Vec::new(),
    };
    figure(&title, &chart.draw())
}

fn lines(
    page: &Page<'_, '_>,
    curves: &[Curve<'_, '_>],
    place: impl Fn(&Point<'_, '_>) -> Option<Place>,
) -> Vec<Series> {
    let line = |curve: &Curve<'_, '_>| Series {
        name: curve.group.key.name(),
        style: page.style(curve.group.key.shape),
        dash: Dash::OfShape,
        points: curve.points.iter().filter_map(&place).collect(),
        marked: true,
    };
    curves.iter().map(line).collect()
}

fn table(curves: &[Curve<'_, '_>]) -> Table {
    let mut table = Table::new(
        format!("{}: every rate", scenario(curves)),
        [
            "shape",
            "journeys asked",
            "offered",
            "goodput",
            "done",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "failed",
            "dropped",
        ],
    );
    for curve in curves {
        for point in &curve.points {
            let counts = point.group.counts();
            let mut row = vec![
                point.group.key.name(),
                format::rate(point.rate),
                format::rate(point.offered),
                words::estimate(&point.goodput, format::rate),
                format::percent(point.done),
            ];
            match point.latency {
                Some(latency) => row.extend(latency.map(format::micros)),
                None => row.extend(std::iter::repeat_with(nothing).take(4)),
            }
            row.extend([counts.failures(), counts.dropped].map(format::count));
            table.rows.push(row);
        }
    }
    table
}

fn scenario(curves: &[Curve<'_, '_>]) -> String {
    curves.first().map(|curve| words::sentence(curve.group.key.scenario)).unwrap_or_default()
}

fn described(curve: &Curve<'_, '_>) -> String {
    let name = curve.group.key.name();
    match curve.knee() {
        Some(Knee::At(rate)) => format!("{name} serves up to {} well. ", format::rate(rate)),
        Some(Knee::AtLeast(rate)) => {
            format!("{name} serves all rates, to {}. ", format::rate(rate))
        }
        Some(Knee::Below(_)) | None => format!("{name} serves none of the rates well. "),
    }
}

/// Every place that a chart shows.
fn xs(series: &[Series]) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.x))
}
