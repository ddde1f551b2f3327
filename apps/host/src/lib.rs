//! What every program does: configuration, telemetry, stores, modules, listeners, and an orderly
//! stop.
//!
//! *Invariants*: only [`config`] reads the environment; nothing starts before the whole
//! configuration was found good; this crate links no module.

mod access;
mod advice;
mod bus;
pub mod catalogue;
mod cli;
pub mod config;
mod dashboard;
mod docs;
#[cfg(feature = "failpoints")]
mod failpoints;
mod gateway;
mod health;
mod keys;
mod limits;
mod mailbox;
mod migrate;
mod migrations;
mod observers;
mod ops;
mod price;
mod program;
mod running;
mod serve;
mod site;
mod stores;
mod telemetry;

pub use cli::run;
pub use keys::SEALING_KEY;
pub use migrate::{Migration, Order, Verdict};
pub use migrations::Migrations;
pub use program::{Program, TOKEN_ISSUER};
pub use running::Running;
pub use site::{Mount, Site};
