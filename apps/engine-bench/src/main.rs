//! Measures what the engines cost, on the servers that `ASHLAR_BENCH_POSTGRES` and
//! `ASHLAR_BENCH_RABBITMQ` name: `cargo xtask bench --engines` starts private ones, with `fsync` on,
//! and runs this. Prints a line of JSON for each finding.
//!
//! Two things are compared by taking turns in one run, since the machine may have other things to
//! do; a ratio is the median of the rounds'.

mod events_flow;
mod finding;
mod growth;
mod held;
mod load;
mod reads;
mod tables;
mod world;

use anyhow::{Context, Result};
use clap::Parser;
use kernel::Secret;
use tokio::runtime::Builder;

use finding::Finding;

/// Measures what the engines cost.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// How long each round lasts.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How often two things take turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a transaction is held open beside the traffic.
    #[arg(long, default_value_t = 120)]
    held_seconds: u64,
    /// How many events go through at once.
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// How many rows the large table has.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Only what is named: `reads`, `growth`, `events`, `held`.
    only: Vec<String>,
}

impl Options {
    /// The address of a superuser of a PostgreSQL server. In the environment, where no other user
    /// of the machine reads the password.
    fn superuser() -> Result<Secret> {
        address("ASHLAR_BENCH_POSTGRES")
    }

    /// The address of a RabbitMQ server.
    fn broker() -> Result<Secret> {
        address("ASHLAR_BENCH_RABBITMQ")
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == part)
    }
}

fn address(name: &str) -> Result<Secret> {
    let address = std::env::var(name).with_context(|| format!("{name} names a server"))?;
    Ok(Secret::new(address))
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if options.wants("reads") {
            reads::measure(&options).await?.iter().try_for_each(Finding::print)?;
        }
        if options.wants("growth") {
            growth::measure(&options).await?.iter().try_for_each(Finding::print)?;
        }
        if options.wants("events") {
            events_flow::measure(&options).await?.iter().try_for_each(Finding::print)?;
        }
        if options.wants("held") {
            held::measure(&options).await?.iter().try_for_each(Finding::print)?;
        }
        Ok(())
    })
}
