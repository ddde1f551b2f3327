//! Subscriptions, the charges in the payment sandbox's own record, invoices and receipts.

use super::{Case, Findings, Harm, evidence::Charge, stores::digits};
use crate::journal::{Operation, Outcome};

/// What clients were told of an organisation's orders.
#[derive(Default)]
struct Orders {
    /// Ids and amounts of those that are done.
    done: Vec<(Option<String>, i64)>,
    declined: usize,
    unknown: usize,
}

impl Orders {
    fn of(case: &Case<'_>) -> Self {
        let mut orders = Self::default();
        for entry in case.entries() {
            let Operation::Subscribe { amount, .. } = &entry.operation else { continue };
            match &entry.outcome {
                Outcome::Done { id } => orders.done.push((id.clone(), *amount)),
                Outcome::Refused { slug } if slug == "payment-declined" => orders.declined += 1,
                Outcome::Refused { .. } => {}
                Outcome::Unknown { .. } => orders.unknown += 1,
            }
        }
        orders
    }
}

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let Some(tenant) = case.id() else { return };
    let orders = Orders::of(case);
    // What is not known is counted as such; what follows from it cannot be judged.
    if orders.unknown > 0 {
        return;
    }
    let charges: Vec<&Charge> =
        case.evidence.charges.iter().filter(|charge| charge.tenant == tenant).collect();
    charged(case, tenant, &orders, &charges, findings);
    in_force(case, &orders, findings);
    invoiced(case, &orders, findings);
    told(case, &orders, findings);
}

/// The sandbox's record against the clients', and against billing's.
fn charged(
    case: &Case<'_>,
    tenant: &str,
    orders: &Orders,
    charges: &[&Charge],
    findings: &mut Findings,
) {
    let paid: Vec<&&Charge> = charges.iter().filter(|charge| charge.reference.is_some()).collect();
    let (done, declined) = (orders.done.len(), orders.declined);
    findings.compare(case.number, done, paid.len(), "charges that were paid");
    let refused = charges.len() - paid.len();
    findings.compare(case.number, declined, refused, "charges that were declined");
    let mut amounts: Vec<i64> = orders.done.iter().map(|(_, amount)| *amount).collect();
    for charge in &paid {
        match amounts.iter().position(|amount| *amount == charge.amount) {
            Some(position) => drop(amounts.swap_remove(position)),
            None => {
                let what = format!("a charge of {} that nobody ordered", charge.amount);
                findings.add(Harm::Doubled, case.number, what);
            }
        }
    }
    let known: Vec<_> =
        case.evidence.billing.charges.iter().filter(|row| row.tenant == tenant).collect();
    for charge in charges {
        let state = if charge.reference.is_some() { "paid" } else { "declined" };
        let own = known.iter().find(|row| digits(&charge.key).contains(&row.name));
        match own {
            Some(row) if row.state == state => {}
            Some(row) => {
                let what = format!("billing has a charge as {} that is {state}", row.state);
                findings.add(Harm::Lost, case.number, what);
            }
            None => {
                let what = format!("a charge ({state}) of which billing knows nothing");
                findings.add(Harm::Lost, case.number, what);
            }
        }
    }
    let settled = known.iter().filter(|row| row.state != "pending").count();
    findings.compare(case.number, charges.len(), settled, "settled charges at billing");
}

fn in_force(case: &Case<'_>, orders: &Orders, findings: &mut Findings) {
    let Some(told) = case.told() else { return };
    let found = usize::from(told.subscription.is_some());
    findings.compare(case.number, orders.done.len(), found, "subscriptions in force");
    if let (Some(found), [(Some(id), _)]) = (&told.subscription, orders.done.as_slice())
        && found != id
    {
        let what = format!("the subscription in force is {found}, and the client's is {id}");
        findings.add(Harm::Lost, case.number, what);
    }
}

/// Numbers are gapless, and each invoice is the sum of its lines.
fn invoiced(case: &Case<'_>, orders: &Orders, findings: &mut Findings) {
    let Some(told) = case.told() else { return };
    findings.compare(case.number, orders.done.len(), told.invoices.len(), "invoices");
    let mut numbers: Vec<&str> = told
        .invoices
        .iter()
        .filter_map(|invoice| invoice.number.rsplit_once('-').map(|(_, count)| count))
        .collect();
    numbers.sort_unstable();
    for (position, number) in numbers.iter().enumerate() {
        if number.parse::<usize>().ok() != Some(position + 1) {
            let what = format!("invoice numbers with a gap: {numbers:?}");
            findings.add(Harm::Lost, case.number, what);
            break;
        }
    }
    for invoice in &told.invoices {
        let is_ordered = orders.done.iter().any(|(_, amount)| *amount == invoice.total);
        if !is_ordered || invoice.total != invoice.of_lines || invoice.status != "paid" {
            let what = format!("an invoice that does not add up: {invoice:?}");
            findings.add(Harm::Lost, case.number, what);
        }
    }
}

/// Exactly one receipt, in the app and by mail, for each payment and for each refusal of one.
fn told(case: &Case<'_>, orders: &Orders, findings: &mut Findings) {
    let Some(owner) = case.owner() else { return };
    let (done, declined) = (orders.done.len(), orders.declined);
    let receipts = case.mails_to(owner, "Invoice ");
    findings.compare(case.number, done, receipts, "receipts by mail");
    let regrets = case.mails_to(owner, "Your payment failed");
    findings.compare(case.number, declined, regrets, "mails about a failed payment");
    if let Some(told) = case.told() {
        let notices = |kind: &str| told.notices.iter().filter(|notice| *notice == kind).count();
        let paid = notices("billing.invoice_paid");
        findings.compare(case.number, done, paid, "notices of a paid invoice");
        let failed = notices("billing.payment_failed");
        findings.compare(case.number, declined, failed, "notices of a failed payment");
    }
}
