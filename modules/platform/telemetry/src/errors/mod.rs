//! Faults: panics, and errors that nobody expected. Each is told once to whoever keeps track of them.
//!
//! A fault comes up in many places and is known for one in few: where a panic is caught, where a request
//! ends with an error of ours, where an event is parked, where a job fails. Those places tell it
//! ([`caught`], [`unexpected`]), log it as they always did, and name its [`Fingerprint`] in that line. What
//! is told goes to the program's [`ErrorDesk`], which the subscriber of its spans leads to, and from there
//! to each [`ErrorTracker`].
//!
//! ```
//! use telemetry::errors::{Site, Work, caught_now};
//!
//! let site = Site { module: "depot", work: Work::Job("count") };
//! let counted = caught_now(site, || 3 + 4);
//! assert_eq!(counted.ok(), Some(7));
//! ```
//!
//! *Invariants*: a fault is told once on its way up, by whoever saw it first; nobody waits for a tracker;
//! how much is told in a minute is bounded.

mod caught;
mod desk;
mod fingerprint;
mod hook;
mod metrics;
mod rate;
mod report;
mod shape;
mod site;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    caught::{Panic, caught, caught_now, panic_message},
    desk::{ErrorDesk, unexpected, unexpected_at},
    fingerprint::Fingerprint,
    hook::watch_panics,
    metrics::{Lost, begin, begin_losing, lost},
    rate::{MOST_ALIKE, MOST_OF_ALL},
    report::{ErrorKind, ErrorReport, ErrorTracker},
    shape::shape,
    site::{HOST, Site, Work},
};
