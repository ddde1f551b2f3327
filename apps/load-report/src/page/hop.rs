//! Where the time of a call between programs goes.

use crate::{
    format,
    model::{Hop, Part, Run},
    plot::{Bar, Bars, Label, Segment},
    statistics::{Estimate, Group},
    words,
};

use super::{
    Page, Section,
    parts::{Table, figure, plots},
};

/// A step's name, and its mean microseconds.
type Step = (&'static str, fn(&Hop) -> f64);

const STEPS: [Step; 4] = [
    ("serialize", |hop| hop.serialize),
    ("network", |hop| hop.network),
    ("queue", |hop| hop.queue),
    ("handle", |hop| hop.handle),
];

/// The steps of a hop, stacked.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    // Elsewhere programs are too busy, or too few of them, to tell what a call by itself costs.
    let compared = measured(page.statistics.part(Part::Compare));
    let measured =
        if compared.is_empty() { measured(page.statistics.groups.iter()) } else { compared };
    let mut body = Vec::new();
    if !measured.is_empty() {
        let bars: Vec<Bar> = measured.iter().filter_map(|(group, hops)| bar(group, hops)).collect();
        let label = Label {
            id: "hop".to_owned(),
            title: "The steps of a call between programs".to_owned(),
            description: bars.iter().map(|bar| format!("{}: {}. ", bar.name, bar.text)).collect(),
        };
        let caption = "Mean time of a call between programs, by step";
        body.push(plots(&[figure(caption, &Bars { label, bars }.draw())]));
        body.push(table(&measured).draw());
    }
    Section {
        id: "hop",
        title: "Where a call between programs spends its time",
        lead: "Of the calls that modules make to each other, which on a mixed day are those for a seat. \
               Requests of clients that a program passes on as they are, reads of billing among them, are \
               not such calls. Serialize is argument and result on both sides; network lies between the two sides, both \
               ways; queue is the callee's wait before a handler has the call; handle is the work \
               itself, which the monolith does as well.",
        body,
    }
}

fn measured<'s, 'a: 's>(
    groups: impl Iterator<Item = &'s Group<'a>>,
) -> Vec<(&'s Group<'a>, Vec<&'a Hop>)> {
    let hops = |group: &'s Group<'a>| {
        let hops: Vec<&'a Hop> =
            group.samples.iter().filter_map(|sample| hop(sample.run)).collect();
        (!hops.is_empty()).then_some((group, hops))
    };
    groups.filter_map(hops).collect()
}

fn hop(run: &Run) -> Option<&Hop> {
    run.hop.as_ref().filter(|hop| hop.calls > 0)
}

fn name(group: &Group<'_>) -> String {
    let part = words::part(group.key.part);
    words::sentence(&format!("{}, {} ({part})", group.key.name(), words::under(group)))
}

fn bar(group: &Group<'_>, hops: &[&Hop]) -> Option<Bar> {
    let step = |(shade, (name, value)): (usize, Step)| {
        let mean = mean(hops, value)?.mean;
        Some(Segment { name: name.to_owned(), value: mean, text: format::micros(mean), shade })
    };
    let segments: Vec<Segment> = STEPS.into_iter().enumerate().filter_map(step).collect();
    let whole = mean(hops, whole)?;
    Some(Bar {
        name: name(group),
        style: None,
        segments,
        interval: None,
        text: format::micros(whole.mean),
    })
}

fn table(measured: &[(&Group<'_>, Vec<&Hop>)]) -> Table {
    let mut table = Table::new(
        "Steps of a call between programs: means over repeats (95 % interval)",
        ["where", "calls", "serialize", "network", "queue", "handle", "all"],
    );
    for (group, hops) in measured {
        let text = |value: fn(&Hop) -> f64| {
            let text = |estimate| words::estimate(&estimate, format::micros);
            mean(hops, value).map_or_else(super::parts::nothing, text)
        };
        let calls = hops.iter().map(|hop| hop.calls).fold(0, u64::saturating_add);
        let mut row = vec![name(group), format::count(calls)];
        row.extend(STEPS.map(|(_, value)| text(value)));
        row.push(text(whole));
        table.rows.push(row);
    }
    table
}

fn whole(hop: &Hop) -> f64 {
    STEPS.iter().map(|(_, value)| value(hop)).sum()
}

fn mean(hops: &[&Hop], value: fn(&Hop) -> f64) -> Option<Estimate> {
    Estimate::of(&hops.iter().map(|hop| value(hop)).collect::<Vec<_>>())
}
