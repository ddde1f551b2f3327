//! The generator as a program of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, bail};
use load_report::model::{Load, ProcessUse, Run, names};
use loadtest::run::Moment;
use tokio::sync::mpsc;

use super::{
    options::{Options, Pace},
    watch::{self, Watch, Watched},
};
use crate::{files, steps};

/// What is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) scenario: String,
    pub(super) load: Load,
    /// Another scenario at the same time, with its rate.
    pub(super) beside: Option<(String, f64)>,
    pub(super) seed: u64,
    pub(super) warm_up: f64,
    pub(super) seconds: f64,
    pub(super) think: f64,
    /// Goes on where more people would subscribe than were seeded.
    pub(super) while_newcomers_last: bool,
}

/// Journeys under way at once, for each that begins in a second: four seconds of them, for as long as
/// people think and a server may keep them waiting that is not lost.
const UNDER_WAY: f64 = 4.0;
/// Fewer are never too few.
const LEAST_UNDER_WAY: f64 = 1_000.0;

impl Order {
    pub(super) const fn new(scenario: String, rate: f64, seed: u64, pace: &Pace) -> Self {
        let Pace { warm_up, seconds, think, .. } = *pace;
        let load = Load::Open { rate };
        let (beside, while_newcomers_last) = (None, false);
        Self { scenario, load, beside, seed, warm_up, seconds, think, while_newcomers_last }
    }

    /// How many journeys may be under way before the generator drops some, which would spare the
    /// server.
    fn under_way(&self) -> f64 {
        let Load::Open { rate } = self.load else { return LEAST_UNDER_WAY };
        let beside = self.beside.as_ref().map_or(0.0, |(_, rate)| *rate);
        (UNDER_WAY * (rate + beside)).max(LEAST_UNDER_WAY).ceil()
    }
}

/// The generator, and where it finds its people.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub(super) program: PathBuf,
    pub(super) url: String,
    pub(super) people: PathBuf,
    /// The cores that it keeps to, where it has some of its own.
    pub(super) cores: Option<Vec<usize>>,
    /// What webhooks are signed with, where the system takes any.
    pub(super) webhook_secret: Option<String>,
}

impl Generator {
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([what, "--url", &self.url]);
        command
    }

    /// Makes the tenants that pay, and `newcomers` that do not yet.
    pub(super) fn seed(&self, options: &Options, newcomers: u64) -> Result<()> {
        let mut command = self.command("seed");
        command.arg("--out").arg(&self.people);
        command.args(["--tenants", &options.tenants().to_string()]);
        command.args(["--newcomers", &newcomers.to_string()]);
        command.args(["--usage-events", &options.usage_events.to_string()]);
        command.args(["--seed", &options.seed.to_string()]);
        // It says how far it is.
        if !steps::succeeds(&mut command)? {
            bail!("seeding failed; see above");
        }
        Ok(())
    }

    /// Sends what `order` says, while `watched` are, and carries out what `beside` makes of the
    /// moments at which measuring begins and ends.
    pub(super) async fn run_beside<W: Future>(
        &self,
        order: &Order,
        watched: Vec<Watched>,
        beside: impl FnOnce(mpsc::UnboundedReceiver<Moment>) -> W,
    ) -> Result<(Run, W::Output)> {
        let (told, moments) = mpsc::unbounded_channel();
        let (generator, order) = (self.clone(), order.clone());
        let running = tokio::task::spawn_blocking(move || {
            // Who did not wait for the end has not lost anything.
            generator.run_telling(&order, watched, |moment| {
                let _gone = told.send(moment);
            })
        });
        let done = beside(moments).await;
        Ok((running.await.context("the generator's thread")??, done))
    }

    /// Sends what `order` says, while `watched` are.
    pub(super) fn run(&self, order: &Order, watched: Vec<Watched>) -> Result<Run> {
        self.run_telling(order, watched, |_| {})
    }

    fn run_telling(
        &self,
        order: &Order,
        watched: Vec<Watched>,
        tell: impl FnMut(Moment),
    ) -> Result<Run> {
        let out = self.people.with_extension("run.json");
        let mut command = self.command("run");
        command.arg("--people").arg(&self.people).arg("--out").arg(&out);
        command.args(["--scenario", &order.scenario]);
        match order.load {
            Load::Open { rate } => command.args(["--rate", &rate.to_string()]),
            Load::Closed { people } => command.args(["--people-at-once", &people.to_string()]),
        };
        command.args(["--warm-up", &format!("{}s", order.warm_up)]);
        command.args(["--for", &format!("{}s", order.seconds)]);
        command.args(["--think", &format!("{}s", order.think)]);
        command.args(["--seed", &order.seed.to_string()]);
        command.args(["--most-under-way", &order.under_way().to_string()]);
        if order.while_newcomers_last {
            command.arg("--while-newcomers-last");
        }
        if let Some(cores) = &self.cores {
            let cores: Vec<String> = cores.iter().map(ToString::to_string).collect();
            command.args(["--cores", &cores.join(",")]);
        }
        if let Some(secret) = &self.webhook_secret {
            command.env("ASHLAR_LOADTEST_WEBHOOK_SECRET", secret);
        }
        if let Some((scenario, rate)) = &order.beside {
            command.args(["--beside", &format!("{scenario}={rate}")]);
        }
        let watch = Watch::start(watched);
        let (from, to) = measured(&mut command, tell)?;
        let text = files::read(&out)?;
        let mut run: Run =
            serde_json::from_str(&text).with_context(|| out.display().to_string())?;
        run.processes = watch.between(from, to);
        let cpu = run.generator.as_ref().map_or(0, |generator| generator.cpu);
        let own = ProcessUse { count: 1, cpu, ..ProcessUse::default() };
        run.processes.insert(names::GENERATOR.to_owned(), own);
        Ok(run)
    }
}

/// Runs the generator; says when it said that measuring began and ended.
fn measured(command: &mut Command, mut tell: impl FnMut(Moment)) -> Result<(u64, u64)> {
    let (mut from, mut to) = (None, None);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut generator = command.spawn().context("running the generator")?;
    let said = generator.stdout.take().context("its output is piped")?;
    for line in BufReader::new(said).lines() {
        let (moment, mark) = match line?.as_str() {
            "measuring begins" => (Moment::Begins, &mut from),
            "measuring ends" => (Moment::Ends, &mut to),
            _ => continue,
        };
        *mark = Some(watch::now());
        tell(moment);
    }
    succeeded(&generator.wait_with_output()?)?;
    from.zip(to).context("the generator did not say when it measured")
}

fn succeeded(output: &Output) -> Result<()> {
    if !output.status.success() {
        bail!("the generator failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
