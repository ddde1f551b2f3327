//! What has not come to its end.

use super::{
    Evidence, Findings, Harm,
    evidence::{Invitation, Row},
};

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    if !evidence.came_to_rest {
        findings.add_general(Harm::Stuck, "the system did not come to rest in its time");
    }
    for (count, what) in [(evidence.in_broker, "waiting"), (evidence.dead_in_broker, "dead")] {
        if count > 0 {
            findings.add_general(Harm::Stuck, format!("{count} messages lie {what} in the broker"));
        }
    }
    let rows: [(&str, &[Row], &str); 3] = [
        ("a subscription", &evidence.billing.subscriptions, "pending"),
        ("a charge", &evidence.billing.charges, "pending"),
        ("a mail", &evidence.notifications.mails, "queued"),
    ];
    for (what, rows, open) in rows {
        for row in rows.iter().filter(|row| row.state == open) {
            let what = format!("{what} is still {open}: {} of {}", row.name, row.tenant);
            findings.add_general(Harm::Stuck, what);
        }
    }
    for Invitation { id, tenant, .. } in
        evidence.auth.invitations.iter().filter(|it| it.status == "reserving")
    {
        let what = format!("an invitation waits for its seat: {id} of {tenant}");
        findings.add_general(Harm::Stuck, what);
    }
    for (module, platform) in &evidence.platform {
        for key in &platform.keys_in_flight {
            let what = format!("{module}: a key is claimed and not answered: {key}");
            findings.add_general(Harm::Stuck, what);
        }
        for call in &platform.calls_without_outcome {
            let what = format!("{module}: a call has no outcome: {call}");
            findings.add_general(Harm::Stuck, what);
        }
    }
}
