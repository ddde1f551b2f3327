//! How facts travel from the transaction that made them true to the transactions that act on them.
//!
//! A module writes events to its outbox in the transaction of the change. The [`EventEngine`] of
//! the module relays them to the inboxes of those that subscribe, takes what comes in, promotes
//! work for later when it is due, keeps dead letters, and sweeps what has had its time.
//!
//! *Invariants*
//! - An effect and the inbox row that says it happened are one commit: delivery is at least once,
//!   the effect is once.
//! - Events of one ordering key reach one consumer in the order of the outbox. Where one is being
//!   retried, later ones of its key wait behind it; other keys and other consumers do not.
//! - What cannot be handled is parked as a dead letter with its history, never dropped. From then
//!   on its key goes on without it; replayed, it comes late, and the aggregate's version in the
//!   event tells so.
//! - A lane's lease spares relays the same work. Order and once-only effects do not rest on it.

mod backlog;
mod consumer;
mod dead_letters;
mod engine;
mod history;
mod inbox;
mod look;
mod metrics;
mod relay;
mod schedule;
mod scopes;
mod settings;
mod sweep;
mod work;

pub use backlog::{Backlog, DestinationBacklog};
pub use consumer::{Action, Consumer, Delivery, Effect, HandlerError};
pub use dead_letters::{
    DeadLetter, DeadLetterDetail, DeadLetterId, DeadLetterPage, DeadLetterQuery, DeadLetters,
    MalformedDeadLetterId, ReplayError,
};
pub use engine::EventEngine;
pub use history::{Entry, Happening};
pub use settings::{EngineSettings, MOST_BYTES, Retention};
