//! `cargo xtask test`: every test, with the programs of every shape built beforehand.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Args;

use crate::{
    new_module::{Names, proof},
    shapes::{self, Shape},
    steps::{self, Steps},
    tools::{Install, NEXTEST},
    workspace::Workspace,
};

/// What `test` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Also writes a new module into a throwaway copy, checks it and runs its tests.
    #[arg(long, conflicts_with = "filter")]
    full: bool,
    /// Runs only the tests whose names contain this; no doctests then.
    filter: Option<String>,
    #[command(flatten)]
    install: Install,
}

/// Builds, tests, and says what failed.
///
/// # Errors
/// A build or a test failed, or cargo-nextest is missing.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    NEXTEST.ensure(&workspace, options.install)?;
    let mut steps = Steps::default();
    // First, so that all crates are compiled together once, for the tests and the programs alike.
    steps.run("build the tests", || {
        steps::verdict(&mut workspace.cargo(&["nextest", "run", "--workspace", "--no-run"]))
    });
    steps.run("build the programs of every shape", || {
        for shape in journeyed_shapes(&workspace.modules()?) {
            shapes::build_in(&workspace, &shape)?;
        }
        Ok(steps::Verdict::Passed)
    });
    steps.run("tests", || {
        let mut command = workspace.cargo(&["nextest", "run", "--workspace"]);
        command.args(options.filter.iter()).env(shapes::PREBUILT, "1");
        if std::env::var_os("CI").is_some() {
            command.args(["--profile", "ci"]);
        }
        steps::verdict(&mut command)
    });
    if options.filter.is_none() {
        steps.run("doctests", || {
            steps::verdict(&mut workspace.cargo(&["test", "--workspace", "--doc", "--quiet"]))
        });
    }
    if options.full {
        // Two words, so that every way of writing a name is tried.
        proof::run(&mut steps, &workspace, Names::parse("work-orders", None)?, options.install);
    }
    steps.finish()
}

/// The shapes of the journey suite.
fn journeyed_shapes(modules: &BTreeSet<String>) -> Vec<Shape> {
    let all = Shape::extracting(modules.iter().map(String::as_str));
    vec![Shape::extracting([]), Shape::extracting(["billing"]), all]
}
