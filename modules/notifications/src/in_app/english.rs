//! What the inbox says, in English. Another language is another file beside this one.

use auth_api::MemberJoined;
use billing_api::{InvoicePaid, PaymentFailed};
use kernel::{Event, Role};
use notifications_api::Notice;

use super::Entry;
use crate::mails::{
    english::a_role,
    line::{NAME, one_line},
};

pub(crate) fn member_joined(event: &MemberJoined) -> Entry {
    let name = one_line(&event.name, NAME);
    Entry {
        audience: Role::Member,
        notice: Notice {
            kind: MemberJoined::TYPE.to_owned(),
            title: format!("{name} joined"),
            body: format!("{name} accepted an invitation as {}.", a_role(event.role)),
        },
    }
}

/// Only for those who may see billing.
pub(crate) fn invoice_paid(event: &InvoicePaid) -> Entry {
    let number = one_line(&event.number, NAME);
    Entry {
        audience: Role::Admin,
        notice: Notice {
            kind: InvoicePaid::TYPE.to_owned(),
            title: format!("Invoice {number} is paid"),
            body: format!("{} was paid for invoice {number}.", event.total),
        },
    }
}

/// Only for those who may see billing.
pub(crate) fn payment_failed(event: &PaymentFailed) -> Entry {
    Entry {
        audience: Role::Admin,
        notice: Notice {
            kind: PaymentFailed::TYPE.to_owned(),
            title: "A payment failed".to_owned(),
            body: format!("{} could not be charged; no subscription was started.", event.amount),
        },
    }
}
