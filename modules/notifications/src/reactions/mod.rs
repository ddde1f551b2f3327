//! What the module does when it hears of something.
//!
//! What only writes down (an entry, a mail whose recipient the event names) is an *effect* and
//! shares the transaction that takes the event. What must first ask auth whom to write to is an
//! *action*: a call to another module is never made inside a transaction.

mod auth;
mod billing;

use std::sync::Arc;

use auth_api::{AuthApi, InvitationCreated, MemberJoined, VerificationRequested};
use billing_api::{InvoicePaid, PaymentFailed};
use events::Consumer;
use storage::Store;

/// Every consumer of other modules' events. A name is stored with what it has consumed: renaming
/// one makes it consume again.
pub(crate) fn all(store: &Store, auth: &Arc<dyn AuthApi>) -> Vec<Consumer> {
    let contacts = Arc::new(billing::ContactMails { store: store.clone(), auth: Arc::clone(auth) });
    vec![
        Consumer::effect::<VerificationRequested>(
            "notifications.write_verification_mail",
            Arc::new(auth::Mails),
        ),
        Consumer::effect::<InvitationCreated>(
            "notifications.write_invitation_mail",
            Arc::new(auth::Mails),
        ),
        Consumer::effect::<MemberJoined>(
            "notifications.note_member_joined",
            Arc::new(auth::Entries),
        ),
        Consumer::effect::<InvoicePaid>(
            "notifications.note_invoice_paid",
            Arc::new(billing::Entries),
        ),
        Consumer::action::<InvoicePaid>("notifications.write_invoice_paid_mails", contacts.clone()),
        Consumer::effect::<PaymentFailed>(
            "notifications.note_payment_failed",
            Arc::new(billing::Entries),
        ),
        Consumer::action::<PaymentFailed>("notifications.write_payment_failed_mails", contacts),
    ]
}
