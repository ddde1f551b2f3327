//! Usage: every event counts once, however often it was sent.

use std::collections::BTreeMap;

use super::{Case, Findings, Harm};
use crate::journal::{Operation, Outcome};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let Some(told) = case.told() else { return };
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in case.entries() {
        let Operation::Usage { events } = &entry.operation else { continue };
        match &entry.outcome {
            Outcome::Done { .. } => {
                counted.extend(events.iter().map(|(id, units)| (id.as_str(), *units)));
            }
            Outcome::Unknown { .. } => return,
            Outcome::Refused { .. } => {}
        }
    }
    let expected = i64::try_from(counted.values().sum::<u64>()).unwrap_or(i64::MAX);
    let harm = match told.usage.cmp(&expected) {
        std::cmp::Ordering::Equal => return,
        std::cmp::Ordering::Less => Harm::Lost,
        std::cmp::Ordering::Greater => Harm::Doubled,
    };
    findings.add(harm, case.number, format!("usage: {} instead of {expected}", told.usage));
}
