//! What `loadtest` can be told.

mod calibrate;
mod load;

use std::{
    fmt::Display,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, Parser};
use load_report::statistics::Bound;
use loadtest::{
    client::Client,
    people::{self, People, Sizes},
    run::{self, Moment},
    scenarios,
    summary::summary,
    sweep::{Search, sweep},
};
use serde::Serialize;

use load::LoadOptions;

/// Sends load to a running system over its public API.
#[derive(Debug, Parser)]
#[command(name = "loadtest")]
pub(crate) enum Command {
    /// Makes people, subscriptions and usage through the public API, and writes who they are.
    Seed(SeedOptions),
    /// Sends the load of one scenario, and writes what was measured.
    Run(RunOptions),
    /// Raises the rate until it does not hold, and says where that is.
    Sweep(SweepOptions),
    /// Lists the scenarios.
    Scenarios,
    /// Measures the generator itself, against a server that does next to nothing.
    Calibrate(calibrate::CalibrateOptions),
}

#[derive(Args, Debug)]
pub(crate) struct SeedOptions {
    /// The public origin, `http://…`.
    #[arg(long)]
    url: String,
    #[command(flatten)]
    sizes: Sizes,
    /// The same seed makes the same people: once on each system.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where it is written who they are.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    load: LoadOptions,
    /// Journeys that begin in a second, whether or not earlier ones were answered.
    #[arg(long, required_unless_present = "people_at_once")]
    rate: Option<f64>,
    /// So many people instead, each of whom waits for answers before going on.
    #[arg(long, conflicts_with = "rate")]
    people_at_once: Option<u32>,
    /// Another scenario at the same time with its rate, such as `log-in=2`.
    #[arg(long, value_name = "SCENARIO=RATE", value_parser = load::beside)]
    beside: Vec<(String, f64)>,
    /// Where the run is written, as reports take it.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SweepOptions {
    #[command(flatten)]
    load: LoadOptions,
    /// The lowest rate.
    #[arg(long, default_value_t = 25.0)]
    from: f64,
    /// The highest rate.
    #[arg(long, default_value_t = 10_000.0)]
    to: f64,
    /// A rate holds where 99 of a hundred requests are answered, and within these milliseconds.
    #[arg(long, default_value_t = 250)]
    within_ms: u64,
    /// Where the runs are written.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn carry_out(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Scenarios => {
            for scenario in scenarios::all() {
                say(format_args!("{:<14} {}", scenario.name(), scenario.about()));
            }
            Ok(())
        }
        Command::Calibrate(options) => runtime.block_on(calibrate::calibrate(&options)),
        Command::Seed(options) => runtime.block_on(seed(&options)),
        Command::Run(options) => runtime.block_on(run_once(&options)),
        Command::Sweep(options) => runtime.block_on(find_knee(&options)),
    }
}

async fn seed(options: &SeedOptions) -> anyhow::Result<()> {
    let client = Client::new(&options.url, Duration::from_secs(30))?;
    let progress = |made: u64, all: u64| {
        if made.is_multiple_of(10) || made == all {
            say(format_args!("{made} of {all} tenants"));
        }
    };
    let people = people::seed(&client, options.sizes, options.seed, progress).await?;
    people.write(&options.out)
}

async fn run_once(options: &RunOptions) -> anyhow::Result<()> {
    run::keep_to(&options.load.cores)?;
    let mut people = People::read(&options.load.people)?;
    let plan = options.load.plan(options.rate, options.people_at_once, &options.beside)?;
    let outcome = run::run(&plan, &mut people, announce).await;
    // The sessions are worth keeping whatever became of the run.
    people.write(&options.load.people)?;
    let outcome = outcome?;
    if let Some(path) = &options.out {
        write(path, &outcome.run)?;
    }
    say(summary(&outcome)?);
    Ok(())
}

async fn find_knee(options: &SweepOptions) -> anyhow::Result<()> {
    run::keep_to(&options.load.cores)?;
    let mut people = People::read(&options.load.people)?;
    let bound = Bound { p99: options.within_ms as f64 * 1e3, ..Bound::KNEE };
    let search = Search { bound, ..Search::between(options.from, options.to) };
    let found = sweep(search, async |rate| {
        let plan = options.load.plan(Some(rate), None, &[])?;
        let outcome = run::run(&plan, &mut people, |_| {}).await?;
        let held = if bound.holds_for(&outcome.run)? { "held" } else { "did not hold" };
        say(format_args!("{rate:.0} a second {held}"));
        Ok(outcome.run)
    })
    .await;
    people.write(&options.load.people)?;
    let found = found?;
    if let Some(path) = &options.out {
        write(path, &found.runs)?;
    }
    match (found.knee, found.bounded) {
        (Some(knee), true) => say(format_args!("the knee is at {knee:.0} journeys a second")),
        (Some(knee), false) => {
            say(format_args!("{knee:.0} journeys a second hold, and maybe more"))
        }
        (None, _) => say(format_args!("not even {} a second hold", options.from)),
    }
    Ok(())
}

/// For who started this program, to read meanwhile what others need.
fn announce(moment: Moment) {
    match moment {
        Moment::Begins => say("measuring begins"),
        Moment::Ends => say("measuring ends"),
    }
}

fn write(path: &Path, what: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_vec(what)?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// A reader that went away is no error of ours.
fn say(line: impl Display) {
    let _gone = writeln!(io::stdout().lock(), "{line}");
}
