//! Mails by SendGrid: [`EmailSender`](notifications_api::EmailSender) over its v3 Web API
//! (<https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>).
//!
//! *Invariants*: one call of the port is at most one request; a mail that SendGrid may have taken
//! is never reported as refused; neither the key nor anything of a mail but its id appears in a
//! `Debug`, a log or an error that is logged.

mod answer;
mod mail;
mod pause;
mod sender;

pub use answer::SendGridError;
pub use sender::{SendGridConfig, SendGridSender, client};
