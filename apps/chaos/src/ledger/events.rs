//! Events: every one that left was taken, and none was taken that did not leave.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Findings, Harm};

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let mut sent: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut published: BTreeSet<&str> = BTreeSet::new();
    for (module, platform) in &evidence.platform {
        for row in &platform.outbox {
            published.insert(&row.event);
            *sent.entry((&row.event, &row.destination)).or_default() += 1;
            if !row.sent {
                let what =
                    format!("{module}: event {} for {} is unsent", row.event, row.destination);
                findings.add_general(Harm::Stuck, what);
            } else if !is_taken(evidence, &row.destination, &row.event) {
                let what = format!(
                    "{module}: event {} was sent to {}, which has not got it",
                    row.event, row.destination
                );
                findings.add_general(Harm::Lost, what);
            }
        }
    }
    for ((event, destination), rows) in sent {
        if rows > 1 {
            let what = format!("event {event} is {rows} times in the outbox for {destination}");
            findings.add_general(Harm::Doubled, what);
        }
    }
    incoming(evidence, &published, findings);
}

fn is_taken(evidence: &Evidence, module: &str, event: &str) -> bool {
    let platform = evidence.platform.get(module);
    platform.is_some_and(|platform| platform.inbox.iter().any(|row| row.event == event))
}

/// Poison has no outbox row: it was put into a batch on its way. All of it is parked.
fn incoming(evidence: &Evidence, published: &BTreeSet<&str>, findings: &mut Findings) {
    let mut poisoned: BTreeSet<&str> = BTreeSet::new();
    for (module, platform) in &evidence.platform {
        for row in &platform.inbox {
            let (event, consumer) = (&row.event, &row.consumer);
            match (row.state.as_str(), published.contains(event.as_str())) {
                ("done", true) => {}
                ("dead", false) => drop(poisoned.insert(event)),
                ("done", false) => {
                    let what =
                        format!("{module}: {consumer} has handled {event}, which nobody sent");
                    findings.add_general(Harm::Doubled, what);
                }
                (state, _) => {
                    let what = format!("{module}: event {event} is {state} at {consumer}");
                    findings.add_general(Harm::Stuck, what);
                }
            }
        }
    }
    if poisoned.len() > evidence.poisonings {
        let what = format!("{} events are parked that nobody sent", poisoned.len());
        findings.add_general(Harm::Stuck, what);
    }
}
