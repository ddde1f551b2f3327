//! Mails: written down in the transaction of the event that asks for them, sent by a job each.
//!
//! ```text
//! event ──▶ queue: row `queued` + job `notifications.mail_due` ──▶ sending: `sent` or `refused`
//! ```

mod content;
pub(crate) mod english;
mod entity;
mod letter;
pub(crate) mod line;
mod metrics;
mod queue;
mod retention;
mod sending;

pub(crate) use content::MailContent;
pub(crate) use queue::{NewMail, put};
pub(crate) use retention::sweep;
pub(crate) use sending::{MailSending, PublicOrigin, job};
