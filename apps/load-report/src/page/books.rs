//! Whether the books balance, and what failed.

use std::collections::BTreeMap;

use maud::html;

use crate::{
    format,
    statistics::{Counts, Group},
    words,
};

use super::{
    Page, Section,
    parts::{Table, nothing},
};

/// Ledgers, errors and drops.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    let groups = &page.statistics.groups;
    let mut body = Vec::new();
    if !groups.is_empty() {
        body.push(errors(groups).draw());
    }
    let ledger = ledger(groups);
    if ledger.rows.is_empty() {
        body.push(html! { p.missing { "No books were compared." } });
    } else {
        body.push(ledger.draw());
    }
    let faulty = page.statistics.campaign.runs.iter().filter(|run| !run.ledger.faults.is_empty());
    let faults: Vec<(String, &String)> = faulty
        .flat_map(|run| {
            let name = format!("{} on {}, repeat {}", run.scenario, run.shape, run.repeat);
            run.ledger.faults.iter().map(move |fault| (name.clone(), fault))
        })
        .collect();
    if !faults.is_empty() {
        body.push(html! {
            div.alarm {
                p { strong { "What does not agree" } }
                ul { @for (name, fault) in &faults { li { (name) ": " (fault) } } }
            }
        });
    }
    Section {
        id: "books",
        title: "Errors, drops and the books",
        lead: "What became of every request, and what the client was told against what is there \
               afterwards. The two may differ by requests whose outcome the client never learned; what \
               cannot be explained is a fault.",
        body,
    }
}

fn errors(groups: &[Group<'_>]) -> Table {
    let mut parts: Vec<(String, Counts)> = Vec::new();
    for group in groups {
        let name = format!("{}, {}", words::part(group.key.part), group.key.name());
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, counts)) => counts.add(&group.counts()),
            None => parts.push((name, group.counts())),
        }
    }
    let mut table = Table::new(
        "What became of requests",
        ["part and shape", "meant to start", "done", "failed", "what came instead", "dropped"],
    );
    for (name, counts) in parts {
        let kinds = words::came_instead(&counts);
        table.rows.push(vec![
            words::sentence(&name),
            format::count(counts.intended),
            format::count(counts.done),
            format::count(counts.failures()),
            if kinds.is_empty() { nothing() } else { words::list(&kinds) },
            format::count(counts.dropped),
        ]);
    }
    table
}

fn ledger(groups: &[Group<'_>]) -> Table {
    let mut table = Table::new(
        "The books, summed over repeats",
        ["part, shape and scenario", "what", "the client was told", "is there", "faults"],
    )
    .words(2);
    for group in groups {
        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let mut faults = 0;
        for sample in &group.samples {
            faults += sample.run.ledger.faults.len();
            for (what, (told, there)) in &sample.run.ledger.compared {
                let sum = sums.entry(what).or_default();
                *sum = (sum.0.saturating_add(*told), sum.1.saturating_add(*there));
            }
        }
        let part = words::part(group.key.part);
        let name =
            words::sentence(&format!("{part}, {}, {}", group.key.name(), words::under(group)));
        for (what, (told, there)) in sums {
            table.rows.push(vec![
                name.clone(),
                what.to_owned(),
                format::count(told),
                format::count(there),
                faults.to_string(),
            ]);
        }
    }
    table
}
