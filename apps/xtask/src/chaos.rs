//! `cargo xtask chaos`: builds the kill campaign, which is a program of its own (`apps/chaos`), and
//! hands its arguments on. Here, an HTTP client would be compiled for every other command too.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    shapes::{self, BuildProfile, Shape},
    steps::{self, Steps, Verdict},
    tools::Install,
    workspace::Workspace,
};

/// What `chaos` can be told: see `cargo xtask chaos --help`.
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub struct Options {
    /// What the campaign is told.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The short campaign: two minutes of kills at named points and of restarts, on the real engines,
/// with billing in a program of its own.
const SHORT: [&str; 8] =
    ["--minutes", "2", "--engine", "real", "--shape", "billing", "--faults", "short"];

/// Runs a campaign.
///
/// # Errors
/// It does not build, cannot be run, or has found something.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut command = command(&workspace)?;
    if !steps::succeeds(command.args(&options.arguments))? {
        bail!("the campaign failed; see above");
    }
    Ok(())
}

/// The campaigns of the whole test: of seconds each, on sound products and on broken ones, and the
/// short one.
pub(crate) fn run_steps(steps: &mut Steps, workspace: &Workspace, install: Install) {
    steps.run("build the programs of campaigns", || {
        for extracted in [&[][..], &["billing"]] {
            let shape = Shape::extracting(extracted.iter().copied()).with_failpoints();
            shapes::build_in(workspace, &shape)?;
        }
        Ok(Verdict::Passed)
    });
    steps.run("campaigns of seconds, also on broken products", || {
        let mut tests = workspace.cargo(&["nextest", "run", "--workspace"]);
        steps::verdict(tests.args(["--profile", "campaigns"]).env(shapes::PREBUILT, "1"))
    });
    steps.run("short chaos", || {
        let mut command = command(workspace)?;
        if install.install {
            command.arg("--install");
        }
        steps::verdict(command.args(SHORT).env(shapes::PREBUILT, "1"))
    });
}

/// The campaign, built with the features that the tests are built with, so that little of it has to
/// be compiled beside them.
fn command(workspace: &Workspace) -> Result<Command> {
    let mut build = workspace.cargo(&["build", "--quiet", "--workspace", "--bin", "chaos"]);
    if !steps::succeeds(&mut build)? {
        bail!("the campaign does not build; see above");
    }
    let folder = workspace.target().join(BuildProfile::Debug.folder());
    let mut command = Command::new(folder.join("chaos"));
    command.current_dir(workspace.root()).env("CARGO_TARGET_DIR", workspace.target());
    Ok(command)
}
