//! `cargo xtask extract billing` and `absorb billing`: moves a module's data out of the stopped
//! monolith's directory into its service's own, and back.
//!
//! *Invariants*: at no moment can both sides open the data; nothing is deleted, and the source is
//! set aside only when a copy of it was verified against counts and checksums that were taken from
//! the source beforehand; whatever is cut off is finished by the same command.

mod durable;
mod inventory;
mod journal;
mod places;
mod relocation;
#[cfg(test)]
mod tests;

use std::path::{self, Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{
    console::{say, table},
    workspace::{Workspace, module_name, service_name},
};

pub use inventory::{Inventory, Table};
pub(crate) use places::Place;
pub use relocation::Outcome;

use journal::Direction;
use relocation::Relocation;

/// What `extract` and `absorb` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The module, such as `billing`.
    module: String,
    /// The monolith's data directory; `data` in the repository where nothing is said.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
}

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

/// Runs `cargo xtask extract`.
///
/// # Errors
/// As [`extract`].
pub fn run_extract(options: &Options) -> Result<()> {
    let (module, data) = options.read()?;
    match runtime()?.block_on(extract(&module, &data))? {
        Outcome::AlreadyDone => {
            say(format_args!("{module}'s data are with its service already: nothing to do"));
        }
        Outcome::Moved { tables, kept } => {
            print_tables(&tables);
            say(format_args!("\n{module}'s data were moved and verified."));
            say(format_args!("The file that they came from is kept: {}", kept.display()));
        }
    }
    say(after_extraction(&module, &data));
    Ok(())
}

/// Runs `cargo xtask absorb`.
///
/// # Errors
/// As [`absorb`].
pub fn run_absorb(options: &Options) -> Result<()> {
    let (module, data) = options.read()?;
    match runtime()?.block_on(absorb(&module, &data))? {
        Outcome::AlreadyDone => {
            say(format_args!("{module}'s data are with the monolith already: nothing to do"));
        }
        Outcome::Moved { tables, kept } => {
            print_tables(&tables);
            say(format_args!("\n{module}'s data are with the monolith again, and verified."));
            say(format_args!("The file that they came from is kept: {}", kept.display()));
        }
    }
    let name = module_name(&module);
    say(format_args!(
        "\nStart the monolith with `cargo run`, or `cargo xtask up`. Where a configuration has the \
         section\n`[modules.{name}]`, take it out."
    ));
    Ok(())
}

impl Options {
    /// The module by its crate's name, and the directory.
    fn read(&self) -> Result<(String, PathBuf)> {
        let workspace = Workspace::find()?;
        let module = workspace.module(&self.module)?;
        let data = self.data.clone().unwrap_or_else(|| workspace.root().join("data"));
        let data = path::absolute(&data).with_context(|| format!("locating {}", data.display()))?;
        Ok((module, data))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn print_tables(inventory: &Inventory) {
    let head = ["table", "rows", "sha-256 of its rows"].map(str::to_owned).to_vec();
    let rows = inventory.tables.iter().map(|found| {
        let mut digest = found.digest.clone();
        digest.truncate(16);
        vec![found.name.clone(), found.rows.to_string(), digest]
    });
    say(table(&[head].into_iter().chain(rows).collect::<Vec<_>>()));
}

fn after_extraction(module: &str, data: &Path) -> String {
    let (name, service) = (module_name(module), service_name(module));
    let data = data.display();
    format!(
        "\nStart both with\n    cargo xtask up --extract {module}\nor by hand. Tell the monolith\n    \
         [modules.{name}]\n    urls = [\"http://127.0.0.1:9081\"]\n    \
         public_urls = [\"http://127.0.0.1:8081\"]\nand {service}\n    [data]\n    \
         dir = \"{data}/{service}\"\n    keys_dir = \"{data}/keys\"\n    \
         sandbox_dir = \"{data}/sandbox\"\nThe rest of a service's configuration is as in \
         deploy/billing-service.toml.\n\nThe way back: cargo xtask absorb {module}"
    )
}
