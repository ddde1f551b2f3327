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
    options::Pace,
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
}

impl Order {
    pub(super) const fn new(scenario: String, rate: f64, seed: u64, pace: &Pace) -> Self {
        let Pace { warm_up, seconds, think, .. } = *pace;
        let load = Load::Open { rate };
        Self { scenario, load, beside: None, seed, warm_up, seconds, think }
    }
}

/// The generator, and where it finds its people.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub(super) program: PathBuf,
    pub(super) url: String,
    pub(super) people: PathBuf,
}

impl Generator {
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([what, "--url", &self.url]);
        command
    }

    /// Makes `tenants` that pay, and `newcomers` that do not yet.
    pub(super) fn seed(&self, tenants: u64, newcomers: u64, seed: u64) -> Result<()> {
        let mut command = self.command("seed");
        command.arg("--out").arg(&self.people);
        command.args(["--tenants", &tenants.to_string(), "--newcomers", &newcomers.to_string()]);
        command.args(["--seed", &seed.to_string()]);
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
