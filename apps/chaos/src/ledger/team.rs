//! Invitations, members and seats.

use std::collections::BTreeSet;

use super::{Case, Findings, Harm};
use crate::journal::{Operation, Outcome};

/// What clients were told of one guest.
#[derive(Default)]
struct Guest<'a> {
    email: &'a str,
    invited: Option<&'a Outcome>,
    accepted: Option<&'a Outcome>,
    revoked: Option<&'a Outcome>,
}

const fn is_done(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Done { .. }))
}

const fn is_unknown(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Unknown { .. }))
}

impl Guest<'_> {
    /// Where the invitation stands by what clients were told; `None` where there is none.
    fn status(&self) -> Option<&'static str> {
        match (is_done(self.invited), is_done(self.accepted), is_done(self.revoked)) {
            (false, ..) => None,
            (true, true, _) => Some("accepted"),
            (true, false, true) => Some("revoked"),
            (true, false, false) => Some("pending"),
        }
    }
}

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let guests = guests(case);
    let nobody_knows = |guest: &Guest<'_>| {
        [guest.invited, guest.accepted, guest.revoked].into_iter().any(is_unknown)
    };
    if guests.iter().any(nobody_knows) {
        return;
    }
    for guest in &guests {
        invited(case, guest, findings);
    }
    seated(case, &guests, findings);
}

fn guests<'a>(case: &Case<'a>) -> Vec<Guest<'a>> {
    let mut guests: Vec<Guest<'a>> = Vec::new();
    for entry in case.entries() {
        let (Operation::Invite { email }
        | Operation::Accept { email }
        | Operation::Revoke { email }) = &entry.operation
        else {
            continue;
        };
        let position = guests.iter().position(|guest| guest.email == email).unwrap_or_else(|| {
            guests.push(Guest { email, ..Guest::default() });
            guests.len() - 1
        });
        let guest = &mut guests[position];
        let place = match &entry.operation {
            Operation::Accept { .. } => &mut guest.accepted,
            Operation::Revoke { .. } => &mut guest.revoked,
            _ => &mut guest.invited,
        };
        *place = Some(&entry.outcome);
    }
    guests
}

fn invited(case: &Case<'_>, guest: &Guest<'_>, findings: &mut Findings) {
    let email = guest.email;
    if is_done(guest.accepted) && is_done(guest.revoked) {
        let what = format!("the invitation of {email} was accepted and taken back");
        findings.add(Harm::Doubled, case.number, what);
    }
    let expected = guest.status();
    let mails = case.mails_to(email, "You are invited");
    let invited = usize::from(expected.is_some());
    findings.compare(case.number, invited, mails, &format!("mails that invite {email}"));
    let people = &case.evidence.auth.people;
    let members = people.iter().filter(|person| person.email == email).count();
    let joined = usize::from(expected == Some("accepted"));
    findings.compare(case.number, joined, members, &format!("memberships of {email}"));
    let Some(told) = case.told() else { return };
    let statuses: Vec<&str> = told
        .invitations
        .iter()
        .filter(|(invited, _)| invited == email)
        .map(|(_, status)| status.as_str())
        .collect();
    findings.compare(case.number, invited, statuses.len(), &format!("invitations of {email}"));
    if let (Some(expected), [found]) = (expected, statuses.as_slice())
        && expected != *found
    {
        let what = format!("the invitation of {email} is {found} instead of {expected}");
        findings.add(Harm::Lost, case.number, what);
    }
}

/// A seat for the owner, and for every invitation that stands.
fn seated(case: &Case<'_>, guests: &[Guest<'_>], findings: &mut Findings) {
    let Some(tenant) = case.id() else { return };
    let people = &case.evidence.auth.people;
    let owners = people.iter().filter(|person| person.tenant == tenant && person.role == "owner");
    let invitations = case.evidence.auth.invitations.iter().filter(|it| it.tenant == tenant);
    let standing = invitations.filter(|it| matches!(it.status.as_str(), "pending" | "accepted"));
    let expected: BTreeSet<String> = owners
        .map(|owner| format!("user:{}", owner.user))
        .chain(standing.map(|invitation| format!("invitation:{}", invitation.id)))
        .collect();
    let seats = case.evidence.billing.seats.iter().filter(|seat| seat.tenant == tenant);
    let taken: BTreeSet<String> = seats.map(|seat| seat.name.clone()).collect();
    for holder in expected.difference(&taken) {
        findings.add(Harm::Lost, case.number, format!("{holder} has no seat"));
    }
    for holder in taken.difference(&expected) {
        findings.add(Harm::Doubled, case.number, format!("{holder} has a seat for nothing"));
    }
    let Some(told) = case.told() else { return };
    let used = told.seats_used as usize;
    let by_clients = 1 + guests
        .iter()
        .filter(|guest| matches!(guest.status(), Some("pending" | "accepted")))
        .count();
    findings.compare(case.number, by_clients, used, "seats in use");
    if told.seats_used > told.seats_limit {
        let what = format!("{} seats in use of {}", told.seats_used, told.seats_limit);
        findings.add(Harm::Doubled, case.number, what);
    }
    let joined = guests.iter().filter(|guest| guest.status() == Some("accepted")).count();
    let notices = told.notices.iter().filter(|kind| *kind == "auth.member_joined").count();
    findings.compare(case.number, joined, notices, "notices of somebody who joined");
}
