//! The kill campaign, and the ledger checker that accounts for what it did.
//!
//! Organisations come and go through the public API ([`journey`]) while the system ([`site`]) is
//! killed, stopped, cut in two and lied to ([`faults`]). Then everything is healed and comes to
//! rest ([`quiet`]), and the [`ledger`] compares what the clients wrote down ([`journal`]) with what
//! the stores, the payment sandbox and the mailbox hold.
//!
//! *Invariants*: what is judged is in files, so that it can be judged again; the clients know
//! nothing of the faults; the checker changes nothing.

mod campaign;
pub mod client;
pub mod faults;
pub mod journal;
pub mod journey;
pub mod ledger;
mod options;
pub mod proxy;
pub mod quiet;
pub mod report;
pub mod site;

pub use campaign::run;
pub use options::{EngineKind, Options, Promise};
