//! Hands faults to an error tracker that speaks the
//! [Sentry protocol](https://develop.sentry.dev/sdk/foundations/envelopes/): Sentry, and others that take
//! its envelopes.
//!
//! *Invariants*: nobody who tells a fault waits for the tracker; at most [`QUEUE`] reports wait for it,
//! and what is beyond is dropped and counted; an outage is one line in the log when it begins and one when it
//! ends; of a message only its shape leaves the program.

mod config;
mod event;
mod outage;
mod sender;
mod tracker;

pub use config::{Destination, MalformedDsn, SentryConfig, SentryError};
pub use tracker::{QUEUE, SentryTracker};
