//! Payments and a mailbox that work offline, for the profiles `local` and `test` only.
//!
//! Both are durable and may be shared by several processes: one JSON file per record, created
//! exclusively and atomically under a name that is the hash of its key, so that whoever comes
//! second with a key finds the first one's record. What was recorded survives a kill of every
//! process, and can be read afterwards to account for what a run has done.
//!
//! *Invariant*: this crate knows no module, and a record is never changed once it is there.

mod mailbox;
mod payments;
mod records;
mod refunds;

pub use mailbox::{SandboxMailbox, SentMail};
pub use payments::{ChargeRecord, SandboxGateway};
pub use records::SandboxError;
pub use refunds::RefundRecord;
