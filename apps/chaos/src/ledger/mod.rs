//! Accounts for every operation: what the clients were told, against what is there.
//!
//! The evidence is gathered once, when the system is quiet, and kept in a file. What is made of it
//! ([`check`]) is a pure function of that file and of the clients' journal.

mod billing;
mod collect;
mod events;
mod evidence;
mod findings;
mod people;
mod stores;
mod stuck;
mod team;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::BTreeMap;

pub use self::{
    collect::{collect, payments_of, told},
    evidence::{Evidence, Told},
    findings::{Finding, Findings, Harm},
};
use crate::journal::{Entry, Operation, Outcome};

/// What a campaign comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Balance {
    /// How many operations were begun.
    pub operations: usize,
    /// Of these, those that are done.
    pub done: usize,
    /// Those that were refused.
    pub refused: usize,
    /// Those of which nobody knows.
    pub unknown: usize,
    /// What clients were told of and is not there.
    pub lost: usize,
    /// What is there more often than clients were told.
    pub doubled: usize,
    /// What has not come to its end.
    pub stuck: usize,
}

/// Compares the clients' journal with the evidence.
#[must_use]
pub fn check(journal: &[Entry], evidence: &Evidence) -> (Balance, Findings) {
    let mut findings = Findings::default();
    let mut tenants: BTreeMap<u64, Tenant<'_>> = BTreeMap::new();
    for entry in journal {
        tenants.entry(entry.tenant).or_default().entries.push(entry);
    }
    for (number, tenant) in &tenants {
        let case = Case { number: *number, tenant, evidence };
        people::check(&case, &mut findings);
        billing::check(&case, &mut findings);
        team::check(&case, &mut findings);
        usage::check(&case, &mut findings);
    }
    contradictions(journal, &mut findings);
    events::check(evidence, &mut findings);
    stuck::check(evidence, &mut findings);
    let count = |wanted: fn(&Outcome) -> bool| {
        journal.iter().filter(|entry| wanted(&entry.outcome)).count()
    };
    let balance = Balance {
        operations: journal.len(),
        done: count(|outcome| matches!(outcome, Outcome::Done { .. })),
        refused: count(|outcome| matches!(outcome, Outcome::Refused { .. })),
        unknown: count(|outcome| matches!(outcome, Outcome::Unknown { .. })),
        lost: findings.count(Harm::Lost),
        doubled: findings.count(Harm::Doubled),
        stuck: findings.count(Harm::Stuck),
    };
    (balance, findings)
}

/// What one organisation's clients wrote down.
#[derive(Default)]
struct Tenant<'a> {
    entries: Vec<&'a Entry>,
}

/// One organisation, and all that is known.
struct Case<'a> {
    number: u64,
    tenant: &'a Tenant<'a>,
    evidence: &'a Evidence,
}

impl<'a> Case<'a> {
    fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.tenant.entries.iter().copied()
    }

    /// The owner's address.
    fn owner(&self) -> Option<&'a str> {
        self.entries().find_map(|entry| match &entry.operation {
            Operation::Register { email } => Some(email.as_str()),
            _ => None,
        })
    }

    /// The organisation's id, where its owner is known.
    fn id(&self) -> Option<&'a str> {
        let owner = self.owner()?;
        let people = &self.evidence.auth.people;
        people.iter().find(|person| person.email == owner).map(|person| person.tenant.as_str())
    }

    /// What the API told its owner in the end.
    fn told(&self) -> Option<&'a Told> {
        self.evidence.told.get(&self.number)
    }

    fn mails_to(&self, email: &str, subject: &str) -> usize {
        let mails = self.evidence.mails.iter();
        mails.filter(|mail| mail.to == email && mail.subject.starts_with(subject)).count()
    }
}

fn contradictions(journal: &[Entry], findings: &mut Findings) {
    for entry in journal {
        if let Some((first, second)) = &entry.contradiction {
            let what = format!("one key brought two answers: {first} and {second}");
            findings.add(Harm::Doubled, entry.tenant, what);
        }
        let Operation::Read { path, expects: Some(expected) } = &entry.operation else { continue };
        let found = match &entry.outcome {
            Outcome::Done { id: Some(id) } if id == expected => continue,
            Outcome::Unknown { .. } => continue,
            Outcome::Refused { slug } if slug.starts_with("gave up") => continue,
            other => format!("{other:?}"),
        };
        let what = format!("{path} named {expected} before, and is {found} now");
        findings.add(Harm::Lost, entry.tenant, what);
    }
}
