//! What `load` can be told.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Parser, ValueEnum};

use crate::{shapes::BuildProfile, tools::Install};

/// What `load` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What the programs stand on.
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: Engine,
    /// Goes through all parts in a few minutes, with programs that are not optimised: to try the
    /// command. The figures mean nothing.
    #[arg(long)]
    pub(super) smoke: bool,
    /// How often each comparison is repeated, the shapes taking turns; below five the report gives
    /// no interval to rely on.
    #[arg(long, default_value_t = 5)]
    pub(super) repeats: u32,
    /// How long each run is measured, in seconds.
    #[arg(long, default_value_t = 20)]
    pub(super) seconds: u64,
    /// What people, arrivals and choices are derived from.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Tenants that pay, with a member and a history each.
    #[arg(long, default_value_t = 50)]
    pub(super) tenants: u64,
    /// What people do: see `cargo run -p loadtest -- scenarios`.
    #[arg(long, default_value = "mixed-day")]
    pub(super) scenario: String,
    /// Journeys a second in comparisons, instead of half of what the monolith can do.
    #[arg(long)]
    pub(super) rate: Option<f64>,
    /// Runs these parts alone. Those that go by what the shapes can do need `sweep` with them, or
    /// `--rate`, which says what half of the knee is.
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "against")]
    only: Vec<Wanted>,
    /// Ends with steady load on all shapes at once for so many minutes, and looks at the memory.
    #[arg(long, value_name = "MINUTES")]
    pub(super) soak: Option<u64>,
    /// Drives a system that is running already, with `--people` and `--rate`.
    #[arg(long, value_name = "URL", requires = "people", requires = "rate")]
    pub(super) against: Option<String>,
    /// Who does it, as `loadtest seed` wrote it.
    #[arg(long, requires = "against")]
    pub(super) people: Option<PathBuf>,
    /// Usage events in the last weeks of each of them.
    #[arg(long, default_value_t = 1_000)]
    pub(super) usage_events: u64,
    /// Where everything is written; a new folder below `target/load` otherwise.
    #[arg(long)]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) install: Install,
}

/// What the programs stand on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// SQLite, and events straight from program to program.
    #[default]
    Embedded,
    /// PostgreSQL with `fsync` on, and RabbitMQ.
    Postgres,
}

/// A part that can be asked for by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wanted {
    Starts,
    Sweep,
    Compare,
    Telemetry,
    Overload,
    NoisyNeighbour,
    Scaling,
    RollingRestart,
    Baseline,
}

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) repeats: u32,
    pub(super) warm_up: f64,
    pub(super) seconds: f64,
    /// Seconds that people think between two steps, on average.
    pub(super) think: f64,
    /// Seconds of each rate that a search for the knee tries.
    pub(super) step: f64,
    /// How closely the knee is looked for: the factor that it is known to.
    pub(super) close: f64,
    /// How many rates beyond it are tried at the most.
    pub(super) beyond: u32,
    /// Journeys a second that nobody asks for more of: as many newcomers must be seeded as one run
    /// at this rate uses up.
    pub(super) top_rate: f64,
    /// Of what is not compared within microseconds.
    pub(super) other_repeats: u32,
    /// Seconds in which every replica of a program is replaced.
    pub(super) restart: f64,
    /// How often the monolith is started to see how soon it is ready.
    pub(super) starts: u32,
}

/// For the defaults that clap knows.
#[derive(Debug, Parser)]
struct Alone {
    #[command(flatten)]
    options: Options,
}

impl Options {
    /// A smoke run on PostgreSQL, which has all parts.
    pub(super) fn smoke(install: Install) -> Self {
        let Alone { options } = Alone::parse_from(["load"]);
        Self { smoke: true, engine: Engine::Postgres, install, ..options }
    }

    pub(super) fn pace(&self) -> Pace {
        if self.smoke {
            return Pace {
                repeats: 2,
                warm_up: 1.0,
                seconds: 2.0,
                think: 0.2,
                step: 2.0,
                close: 1.5,
                beyond: 0,
                top_rate: 1_000.0,
                other_repeats: 1,
                restart: 15.0,
                starts: 3,
            };
        }
        Pace {
            repeats: self.repeats.max(1),
            warm_up: 5.0,
            seconds: self.seconds.max(1) as f64,
            think: 1.0,
            step: 6.0,
            close: 1.05,
            beyond: 4,
            top_rate: 3_000.0,
            other_repeats: self.repeats.clamp(1, 3),
            restart: 20.0,
            starts: 11,
        }
    }

    /// Whether `part` is to be run.
    pub(super) fn wants(&self, part: Wanted) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// # Errors
    /// A part that is wanted goes by what the shapes can do, and nothing will say what that is.
    pub(super) fn check(&self) -> Result<()> {
        let by_rate =
            [Wanted::Compare, Wanted::Telemetry, Wanted::Overload, Wanted::NoisyNeighbour];
        let needed = self.soak.is_some() || by_rate.into_iter().any(|part| self.wants(part));
        ensure!(
            !needed || self.rate.is_some() || self.wants(Wanted::Sweep),
            "without the part `sweep` nobody knows how much is half of what the monolith can do: \
             say --rate"
        );
        Ok(())
    }

    pub(super) fn tenants(&self) -> u64 {
        if self.smoke { self.tenants.min(8) } else { self.tenants }
    }

    /// A smoke run takes the programs that the tests have built already.
    pub(super) const fn profile(&self) -> BuildProfile {
        if self.smoke { BuildProfile::Debug } else { BuildProfile::Release }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_a_rate_that_nobody_says_is_refused() {
        for (told, may) in [
            (&["load"][..], true),
            (&["load", "--only", "baseline,starts,scaling,rolling-restart"], true),
            (&["load", "--only", "sweep,compare"], true),
            (&["load", "--only", "compare", "--rate", "100"], true),
            (&["load", "--only", "baseline,overload"], false),
            (&["load", "--only", "telemetry"], false),
            (&["load", "--only", "starts", "--soak", "60"], false),
        ] {
            assert_eq!(Alone::parse_from(told).options.check().is_ok(), may, "{told:?}");
        }
    }
}
