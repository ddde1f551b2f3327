//! What a campaign can be told.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Parser, ValueEnum};
use xtask::tools::Install;

use crate::{
    faults::{Fault, Pace},
    site::Form,
};

/// Kills, stops and cuts a running system while clients use it, and then accounts for every
/// operation.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask chaos", bin_name = "cargo xtask chaos")]
pub struct Options {
    /// For how many minutes faults are inflicted. Each fault comes about at least once, however
    /// long that takes.
    #[arg(long, default_value_t = 2.0)]
    pub minutes: f64,
    /// What all that is random follows from; another one each time where it is left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// What the programs keep their data on.
    #[arg(long, value_enum, default_value = "real")]
    pub engine: EngineKind,
    /// Where billing runs.
    #[arg(long, value_enum, default_value = "billing")]
    pub shape: Form,
    /// The faults that are inflicted, such as `kill-monolith,poison`, or `short` for those of the
    /// short campaign; all that can be where it is left out.
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<Wanted>,
    /// Breaks a promise of the product on purpose: the campaign must then find damage.
    #[arg(long = "break", value_enum)]
    pub broken: Option<Promise>,
    /// How many organisations are at work at a time.
    #[arg(long, default_value_t = 6)]
    pub clients: usize,
    /// Where data, logs and the report go; a folder of its own under `target/chaos` where it is
    /// left out.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// What is done about engines that are not installed.
    #[command(flatten)]
    pub install: Install,
    /// Judges the files of an earlier campaign again, and does nothing else.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["minutes", "seed", "faults", "broken"])]
    pub recheck: Option<PathBuf>,
}

/// A fault, or a set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of the short campaign.
    Short,
    /// One.
    One(Fault),
}

impl FromStr for Wanted {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "short" { Ok(Self::Short) } else { name.parse().map(Self::One) }
    }
}

/// What the programs keep their data on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// Files, and events straight from program to program.
    Embedded,
    /// PostgreSQL and RabbitMQ, private instances of the campaign's own, and two processes of each
    /// program.
    Real,
}

/// A promise that can be broken behind a switch of the test build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Promise {
    /// The inbox forgets what it has taken.
    Inbox,
    /// The payment provider is asked under another key each time.
    Idempotency,
    /// Events are written to the outbox after the commit of what they tell of; programs that die in
    /// between are one more fault.
    Outbox,
}

impl Promise {
    /// What breaks it: `module::switch=actions`.
    #[must_use]
    pub fn switches(self) -> Vec<String> {
        let switches: &[&str] = match self {
            Self::Inbox => &["events::inbox_forgets=return(on)"],
            Self::Idempotency => &["billing::charge_key_forgets=return(on)"],
            Self::Outbox => &["storage::outbox_apart=return(on)"],
        };
        switches.iter().map(|switch| (*switch).to_owned()).collect()
    }
}

impl Options {
    /// For how long faults are inflicted.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.minutes * 60.0).unwrap_or_default()
    }

    /// The faults that are wanted.
    #[must_use]
    pub fn wanted(&self) -> Vec<Fault> {
        let faults = self.faults.iter().flat_map(|wanted| match wanted {
            Wanted::Short => Fault::SHORT.to_vec(),
            Wanted::One(fault) => vec![*fault],
        });
        faults.collect()
    }

    /// How long faults last: in a long campaign there are long outages among them.
    #[must_use]
    pub fn pace(&self) -> Pace {
        if self.minutes >= 10.0 { Pace::Long } else { Pace::Short }
    }
}
