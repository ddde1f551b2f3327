//! Registrations, verified addresses, and the mails that go with them.

use super::{Case, Findings, Harm};
use crate::journal::{Operation, Outcome};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for entry in case.entries() {
        match &entry.operation {
            Operation::Register { email } => {
                registered(case, email, &entry.outcome, entry.perhaps_done as usize, findings);
            }
            Operation::Verify { email } => verified(case, email, &entry.outcome, findings),
            _ => {}
        }
    }
}

/// A registration has no key: each one that was taken has brought a mail of its own, and none more.
fn registered(
    case: &Case<'_>,
    email: &str,
    outcome: &Outcome,
    perhaps_done: usize,
    findings: &mut Findings,
) {
    let people = &case.evidence.auth.people;
    let memberships = people.iter().filter(|person| person.email == email).count();
    let mails = case.mails_to(email, "Verify your e-mail address");
    let (least, most) = match outcome {
        Outcome::Done { .. } => (1, 1 + perhaps_done),
        Outcome::Refused { .. } => (0, 0),
        Outcome::Unknown { .. } => return,
    };
    findings.compare(case.number, least, memberships, "accounts of an owner");
    if mails < least {
        findings.add(Harm::Lost, case.number, "the verification mail was never sent");
    }
    if mails > most {
        let what = format!("{mails} verification mails for at most {most} registrations");
        findings.add(Harm::Doubled, case.number, what);
    }
}

fn verified(case: &Case<'_>, email: &str, outcome: &Outcome, findings: &mut Findings) {
    let people = &case.evidence.auth.people;
    let is_verified = people.iter().any(|person| person.email == email && person.verified);
    match outcome {
        Outcome::Done { .. } if !is_verified => {
            findings.add(Harm::Lost, case.number, "an address that was verified is not");
        }
        Outcome::Refused { slug } if is_verified => {
            let what = format!("an address is verified though that was refused ({slug})");
            findings.add(Harm::Doubled, case.number, what);
        }
        _ => {}
    }
}
