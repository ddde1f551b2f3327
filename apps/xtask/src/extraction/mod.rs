//! `cargo xtask extract billing` and `absorb billing`: moves a module's data out of the stopped
//! monolith's directory into its service's own, and back; with `--to`, from one PostgreSQL database
//! to another ([`postgres`]).
//!
//! *Invariants*: at no moment can both sides open the data; nothing is deleted, and the source is
//! set aside only when a copy of it was verified against counts and checksums that were taken from
//! the source beforehand; whatever is cut off is finished by the same command.

mod command;
mod durable;
mod inventory;
mod journal;
mod places;
pub mod postgres;
mod program;
mod relocation;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::Result;

pub use command::{Options, run_absorb, run_extract};
pub use inventory::{Inventory, Table};
pub(crate) use places::Place;
pub use postgres::Migrate;
pub use program::ByProgram;
pub use relocation::Outcome;

use journal::Direction;
use relocation::Relocation;

/// Moves `module`'s data out of the monolith's directory `data` into its service's own.
///
/// # Errors
/// A program has the data open, there are none, both sides have some, or a copy does not verify.
pub async fn extract(module: &str, data: &Path) -> Result<Outcome> {
    Relocation::new(module, data, Direction::Extract).carry_out(&mut |_| Ok(())).await
}

/// Moves `module`'s data back into the monolith's directory `data`.
///
/// # Errors
/// As [`extract`].
pub async fn absorb(module: &str, data: &Path) -> Result<Outcome> {
    Relocation::new(module, data, Direction::Absorb).carry_out(&mut |_| Ok(())).await
}
