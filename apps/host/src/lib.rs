//! What every program does: configuration, telemetry, stores, modules, listeners, and an orderly
//! stop.
//!
//! *Invariants*: only [`config`] reads the environment; nothing starts before the whole
//! configuration was found good; this crate links no module.

mod access;
pub mod catalogue;
mod cli;
pub mod config;
mod docs;
#[cfg(feature = "failpoints")]
mod failpoints;
mod gateway;
mod health;
mod keys;
mod mailbox;
mod ops;
mod program;
mod serve;
mod site;
mod telemetry;

pub use cli::run;
pub use keys::SEALING_KEY;
pub use program::{Program, Running, TOKEN_ISSUER};
pub use site::{Mount, Site};
