//! `cargo xtask check`: what a machine can say about a change, in one command, the same locally
//! and in CI.

mod advisories;
mod environment;
mod graph;
mod links;
mod manifests;
mod observability;
mod promtool;
mod rules;
mod sizes;

use anyhow::Result;
use clap::Args;

use crate::{
    contracts,
    steps::{self, Steps, Verdict},
    tools::{DENY, Install, MACHETE},
    workspace::Workspace,
};

/// What `check` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Repairs what a machine can: formatting, some lints, wire schemas that only grew.
    #[arg(long)]
    pub fix: bool,
    /// Leaves out what compiles or needs the network.
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub(crate) install: Install,
    #[command(flatten)]
    pub(crate) baseline: contracts::Baseline,
}

/// Runs every step and lists what failed.
///
/// # Errors
/// A step failed, or there is no workspace.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut steps = Steps::default();
    source_steps(&mut steps, &workspace, options);
    steps.run("rules and queries, by promtool", || {
        promtool::check(workspace.root(), options.install)
    });
    if !options.quick {
        compiled_steps(&mut steps, &workspace, options);
        dependency_steps(&mut steps, &workspace, options.install);
    }
    steps.finish()
}

/// What needs no compiling: seconds.
pub(crate) fn source_steps(steps: &mut Steps, workspace: &Workspace, options: &Options) {
    steps.run("format", || {
        let arguments: &[&str] = if options.fix { &[] } else { &["--check"] };
        steps::verdict(workspace.cargo(&["fmt", "--all", "--"]).args(arguments))
    });
    steps.run("dependency rules", || Ok(Verdict::of(&rules::complaints(&graph::read(workspace)))));
    steps.run("manifests", || Ok(Verdict::of(&manifests::complaints(workspace)?)));
    steps.run("what is linked into each program", || {
        Ok(Verdict::of(&links::complaints(workspace)?))
    });
    steps.run("the environment is read in apps only", || {
        Ok(Verdict::of(&environment::complaints(workspace.root())?))
    });
    steps.run("dashboards, rules and runbooks", || {
        Ok(Verdict::of(&observability::complaints(workspace.root())?))
    });
    steps.run("sizes of files", || sizes::report(workspace.root()));
    steps.run("wire schemas", || {
        let written =
            if options.fix { contracts::Writing::Write } else { contracts::Writing::Compare };
        Ok(Verdict::of(&contracts::complaints(workspace, &options.baseline, written)?))
    });
}

fn compiled_steps(steps: &mut Steps, workspace: &Workspace, options: &Options) {
    // One crate's lints hide no other crate's.
    const CLIPPY: [&str; 5] =
        ["clippy", "--workspace", "--all-targets", "--all-features", "--keep-going"];
    if options.fix {
        steps.run("clippy's repairs", || {
            let fix = ["--fix", "--allow-dirty", "--allow-staged"];
            steps::verdict(workspace.cargo(&CLIPPY).args(fix))
        });
    }
    steps.run("clippy", || steps::verdict(workspace.cargo(&CLIPPY).args(["--", "-D", "warnings"])));
    steps.run("rustdoc", || {
        let mut command = workspace.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        steps::verdict(command.env("RUSTDOCFLAGS", "-D warnings"))
    });
}

fn dependency_steps(steps: &mut Steps, workspace: &Workspace, install: Install) {
    steps.run("licences, sources and bans", || {
        DENY.ensure(workspace, install)?;
        let what = ["--log-level", "error", "check", "bans", "licenses", "sources"];
        steps::verdict(workspace.cargo(&["deny"]).args(what))
    });
    steps.run("advisories", || {
        DENY.ensure(workspace, install)?;
        advisories::check(workspace)
    });
    steps.run("dependencies that nothing uses", || {
        MACHETE.ensure(workspace, install)?;
        steps::verdict(&mut workspace.cargo(&["machete"]))
    });
}
