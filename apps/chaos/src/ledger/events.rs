//! Events: every one that left was taken by all who hear of it, and none was taken that did not
//! leave.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Evidence, Findings, Harm,
    evidence::{Incoming, Outgoing},
};

/// All consumers, those of one type of event together: the stores forget an event's type once it
/// was sent and handled, and each consumer hears of one type, so that any tells who the others are.
///
/// It keeps itself up to date: a campaign finds a consumer that is missing here, since it takes
/// what it should not, and one that is no more, since it does not take what it should.
const CONSUMERS: [&[&str]; 12] = [
    &["auth.give_up_reservation"],
    &["auth.expire_invitation"],
    &["auth.release_seat"],
    &["billing.take_owner_seat"],
    &["billing.complete_charge"],
    &["billing.act_on_webhook"],
    &["notifications.send_mail"],
    &["notifications.write_verification_mail"],
    &["notifications.write_invitation_mail"],
    &["notifications.note_member_joined"],
    &["notifications.note_invoice_paid", "notifications.write_invoice_paid_mails"],
    &["notifications.note_payment_failed", "notifications.write_payment_failed_mails"],
];

/// What a poisonous event's id is made of, besides that of the event which it went ahead of
/// (`events::relay::poison`).
const POISON: &[u8] = b"poison";

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let mut sent: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut published: BTreeSet<&str> = BTreeSet::new();
    for (module, platform) in &evidence.platform {
        for row in &platform.outbox {
            published.insert(&row.event);
            *sent.entry((&row.event, &row.destination)).or_default() += 1;
            if row.sent {
                taken(module, row, evidence, findings);
            } else {
                let what =
                    format!("{module}: event {} for {} is unsent", row.event, row.destination);
                findings.add_general(Harm::Stuck, what);
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

/// An event that was sent is with each consumer that hears of it, and with nobody else.
fn taken(module: &str, row: &Outgoing, evidence: &Evidence, findings: &mut Findings) {
    let Outgoing { event, destination, .. } = row;
    let inbox = evidence.platform.get(destination).map(|platform| &platform.inbox);
    let rows = inbox.into_iter().flatten().filter(|incoming| incoming.event == *event);
    let takers: BTreeSet<&str> = rows.map(|incoming: &Incoming| &*incoming.consumer).collect();
    let hears = |consumers: &&&[&str]| consumers.iter().any(|consumer| takers.contains(consumer));
    let Some(expected) = CONSUMERS.iter().find(hears) else {
        let what =
            format!("{module}: event {event} was sent to {destination}, which has not got it");
        findings.add_general(Harm::Lost, what);
        return;
    };
    for consumer in expected.iter().filter(|consumer| !takers.contains(*consumer)) {
        let what = format!("{module}: event {event} was sent, and {consumer} has not got it");
        findings.add_general(Harm::Lost, what);
    }
    for consumer in takers.iter().filter(|consumer| !expected.contains(consumer)) {
        let what = format!("{module}: event {event} is with {consumer} and {}", expected[0]);
        findings.add_general(Harm::Doubled, what);
    }
}

/// Poison has no outbox row: it was put into a batch on its way. All of it is parked.
fn incoming(evidence: &Evidence, published: &BTreeSet<&str>, findings: &mut Findings) {
    let poison: BTreeSet<String> = published.iter().filter_map(|event| ahead_of(event)).collect();
    for (module, platform) in &evidence.platform {
        for row in &platform.inbox {
            let (event, consumer) = (&row.event, &row.consumer);
            let (harm, what) = match (row.state.as_str(), published.contains(event.as_str())) {
                ("done", true) => continue,
                ("dead", false) if poison.contains(event) => continue,
                ("done", false) => {
                    (Harm::Doubled, format!("{consumer} has handled {event}, which nobody sent"))
                }
                (state, true) => (Harm::Stuck, format!("event {event} is {state} at {consumer}")),
                (state, false) => {
                    let what =
                        format!("event {event}, which nobody sent, is {state} at {consumer}");
                    (Harm::Stuck, what)
                }
            };
            findings.add_general(harm, format!("{module}: {what}"));
        }
    }
}

/// The id of the poison that may have gone ahead of `event`.
fn ahead_of(event: &str) -> Option<String> {
    let event = Uuid::try_parse(event).ok()?;
    Some(Uuid::new_v5(&event, POISON).simple().to_string())
}
