//! The generator as a program of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, bail};
use load_report::model::{ProcessUse, Run, names};
use serde::Deserialize;

use super::{
    options::Pace,
    watch::{self, Watch, Watched},
};
use crate::{files, workspace::Workspace};

/// What is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) scenario: String,
    /// Journeys a second.
    pub(super) rate: f64,
    /// Another scenario at the same time, with its rate.
    pub(super) beside: Option<(String, f64)>,
    pub(super) seed: u64,
    pub(super) warm_up: f64,
    pub(super) seconds: f64,
}

impl Order {
    pub(super) const fn new(scenario: String, rate: f64, seed: u64, pace: &Pace) -> Self {
        let Pace { warm_up, seconds, .. } = *pace;
        Self { scenario, rate, beside: None, seed, warm_up, seconds }
    }
}

/// What the generator writes beside the run.
#[derive(Deserialize)]
struct Written {
    #[serde(flatten)]
    run: Run,
    generator: Own,
}

#[derive(Deserialize)]
struct Own {
    /// Microseconds.
    cpu: u64,
}

/// The generator, and where it finds its people.
pub(super) struct Generator<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) url: &'a str,
    pub(super) people: &'a Path,
}

impl Generator<'_> {
    fn command(&self, what: &str) -> Command {
        let program = self.workspace.target().join("release/loadtest");
        let mut command = Command::new(program);
        command.args([what, "--url", self.url]);
        command
    }

    /// Makes `tenants` that pay, and `newcomers` that do not yet.
    pub(super) fn seed(&self, tenants: u64, newcomers: u64, seed: u64) -> Result<()> {
        let mut command = self.command("seed");
        command.arg("--out").arg(self.people);
        command.args(["--tenants", &tenants.to_string(), "--newcomers", &newcomers.to_string()]);
        command.args(["--seed", &seed.to_string()]);
        succeeded(&command.output().context("running the generator")?)
    }

    /// Sends what `order` says, while `watched` are.
    pub(super) fn run(&self, order: &Order, watched: Vec<Watched>) -> Result<Run> {
        let out = self.people.with_extension("run.json");
        let mut command = self.command("run");
        command.arg("--people").arg(self.people).arg("--out").arg(&out);
        command.args(["--scenario", &order.scenario, "--rate", &order.rate.to_string()]);
        command.args(["--warm-up", &format!("{}s", order.warm_up)]);
        command.args(["--for", &format!("{}s", order.seconds)]);
        command.args(["--seed", &order.seed.to_string()]);
        if let Some((scenario, rate)) = &order.beside {
            command.args(["--beside", &format!("{scenario}={rate}")]);
        }
        let watch = Watch::start(watched);
        let (from, to) = measured(&mut command)?;
        let Written { mut run, generator } = read(&out)?;
        run.processes = watch.between(from, to);
        let own = ProcessUse { count: 1, cpu: generator.cpu, ..ProcessUse::default() };
        run.processes.insert(names::GENERATOR.to_owned(), own);
        Ok(run)
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    serde_json::from_str(&files::read(path)?).with_context(|| path.display().to_string())
}

/// Runs the generator; says when it said that measuring began and ended.
fn measured(command: &mut Command) -> Result<(u64, u64)> {
    let (mut from, mut to) = (None, None);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut generator = command.spawn().context("running the generator")?;
    let said = generator.stdout.take().context("its output is piped")?;
    for line in BufReader::new(said).lines() {
        match line?.as_str() {
            "measuring begins" => from = Some(watch::now()),
            "measuring ends" => to = Some(watch::now()),
            _ => {}
        }
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
