//! `cargo xtask test`: every test on the embedded engine, and what touches a store, a bus or a
//! limit on the real ones too, with the programs of every shape built beforehand. The dashboard is
//! tested in a browser beside the engines.

use std::{collections::BTreeSet, env};

use anyhow::Result;
use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    chaos, load,
    new_module::{Names, proof},
    services::{TestEngines, browser},
    shapes::{self, Shape},
    steps::{self, Steps, Verdict},
    tools::{Install, NEXTEST},
    workspace::Workspace,
};

/// What `test` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Leaves out PostgreSQL, RabbitMQ, Redis, PgBouncer and the browser, which then need not be
    /// installed.
    #[arg(long)]
    embedded: bool,
    /// Also writes a new module into a throwaway copy, checks it and runs its tests; and runs kill
    /// campaigns, the short one among them, and a smoke run of the load campaign.
    #[arg(long, conflicts_with_all = ["filter", "embedded"])]
    full: bool,
    /// Runs only the tests whose names contain this; no doctests then.
    filter: Option<String>,
    #[command(flatten)]
    install: Install,
}

/// What `--embedded` gives up.
const LEFT_OUT: &str = "--embedded: nothing was tested on PostgreSQL, behind PgBouncer, with \
                        RabbitMQ, with Redis or against Stripe's stand-in, and the dashboard not in a \
                        browser";

/// Builds, tests, and says what failed.
///
/// # Errors
/// A build or a test failed, or something that they need is missing.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    NEXTEST.ensure(&workspace, options.install)?;
    // Before the minutes that building takes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let engines = if options.embedded {
        None
    } else {
        browser::ensure(options.install)?;
        Some(runtime.block_on(TestEngines::plan(&workspace, options.install))?)
    };
    let mut steps = Steps::default();
    // First, so that all crates are compiled together once, for the tests and the programs alike.
    steps.run("build the tests", || {
        steps::verdict(&mut workspace.cargo(&["nextest", "run", "--workspace", "--no-run"]))
    });
    steps.run("build the programs of every shape", || {
        for shape in journeyed_shapes(&workspace.modules()?) {
            shapes::build_in(&workspace, &shape)?;
        }
        Ok(Verdict::Passed)
    });
    steps.run("tests on the embedded engine", || {
        steps::verdict(&mut tests(&workspace, options, Run::Embedded))
    });
    if options.filter.is_none() {
        steps.run("doctests", || {
            steps::verdict(&mut workspace.cargo(&["test", "--workspace", "--doc", "--quiet"]))
        });
    }
    steps.run("tests on PostgreSQL, RabbitMQ and Redis, and in a browser", || match engines {
        Some(engines) => on_engines(&workspace, options, &runtime, engines),
        None => Ok(Verdict::Skipped(LEFT_OUT.to_owned())),
    });
    if options.full {
        // Two words, so that every way of writing a name is tried.
        proof::run(&mut steps, &workspace, Names::parse("work-orders", None)?, options.install);
        chaos::run_steps(&mut steps, &workspace, options.install);
        steps.run("smoke run of the load campaign", || {
            load::smoke(options.install)?;
            Ok(Verdict::Passed)
        });
    }
    steps.finish()
}

/// Starts the engines, runs the tests that concern them, and ends them in any case.
fn on_engines(
    workspace: &Workspace,
    options: &Options,
    runtime: &Runtime,
    mut engines: TestEngines,
) -> Result<Verdict> {
    runtime.block_on(engines.start())?;
    let mut command = tests(workspace, options, Run::Engines);
    for (variable, url) in engines.variables() {
        command.env(variable, url.expose());
    }
    let verdict = steps::verdict(&mut command)?;
    if verdict != Verdict::Passed {
        engines.keep_logs();
    }
    Ok(verdict)
}

#[derive(Clone, Copy)]
enum Run {
    Embedded,
    Engines,
}

impl Run {
    /// The profile in `.config/nextest.toml`.
    fn profile(self) -> &'static str {
        match (self, env::var_os("CI").is_some()) {
            (Self::Embedded, false) => "default",
            (Self::Embedded, true) => "ci",
            (Self::Engines, false) => "engines",
            (Self::Engines, true) => "engines-ci",
        }
    }
}

fn tests(workspace: &Workspace, options: &Options, run: Run) -> std::process::Command {
    let mut command = workspace.cargo(&["nextest", "run", "--workspace"]);
    command.args(["--profile", run.profile()]).env(shapes::PREBUILT, "1");
    if let Some(filter) = &options.filter {
        // It may be the name of a test that only the other run has.
        command.arg(filter).arg("--no-tests=warn");
    }
    if let Run::Embedded = run {
        for engine in crate::services::Engine::ALL {
            engine.test_variable().map(|variable| command.env_remove(variable));
        }
    }
    command
}

/// The shapes of the journey suite.
fn journeyed_shapes(modules: &BTreeSet<String>) -> Vec<Shape> {
    let all = Shape::extracting(modules.iter().map(String::as_str));
    let with_points = [&[][..], &["billing"]];
    let with_points = with_points
        .into_iter()
        .map(|apart| Shape::extracting(apart.iter().copied()).with_failpoints());
    [Shape::extracting([]), Shape::extracting(["billing"]), all]
        .into_iter()
        .chain(with_points)
        .collect()
}
