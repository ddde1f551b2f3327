//! `cargo xtask bench`: what the seam costs, how fast the monolith starts, and what it needs while
//! idle. Nothing here is a test: figures depend on the machine, so ratios of one run are compared
//! with the targets, and a miss is said, not failed.

mod compare;
mod engines;
mod report;
mod seam;
mod startup;

use anyhow::{Result, bail};
use clap::Args;

use crate::{console::say, files, steps, tools::Install, workspace::Workspace};

use report::{Finding, Section};

/// What `bench` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Writes the findings into docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Measures start-up and idle memory only, and runs no criterion benchmarks.
    #[arg(long, conflicts_with = "engines")]
    startup_only: bool,
    /// Measures on private PostgreSQL and RabbitMQ instead: reads under row-level security, and
    /// the way of an event.
    #[arg(long)]
    engines: bool,
    /// Runs the benchmarks of this commit and of what is checked out in turns, and fails where one is
    /// slower by more than a tenth.
    #[arg(long, value_name = "BASE", conflicts_with_all = ["write", "startup_only", "engines"])]
    compare: Option<String>,
    /// How often the two commits take turns.
    #[arg(long, default_value_t = 7, requires = "compare")]
    rounds: u32,
    #[command(flatten)]
    install: Install,
}

/// Measures and reports.
///
/// # Errors
/// Something does not build or start.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    if let Some(base) = &options.compare {
        return compare::run(&workspace, base, options.rounds);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut findings = Vec::new();
    if options.engines {
        findings = runtime.block_on(engines::findings(&workspace, options.install))?;
        return tell(&workspace, options, Section::Engines, &findings);
    }
    if !options.startup_only {
        if !steps::succeeds(&mut workspace.cargo(&["bench", "--package", "remote"]))? {
            bail!("`cargo bench --package remote` failed; see above");
        }
        findings.extend(seam::findings(workspace.target())?);
    }
    findings.extend(runtime.block_on(startup::findings(&workspace))?);
    tell(&workspace, options, Section::Programs, &findings)
}

fn tell(
    workspace: &Workspace,
    options: &Options,
    section: Section,
    findings: &[Finding],
) -> Result<()> {
    say("");
    findings.iter().map(Finding::line).for_each(say);
    if options.write {
        let path = workspace.root().join("docs/performance.md");
        let before = files::read(&path).unwrap_or_else(|_| report::TITLE.to_owned());
        files::write(&path, &report::replace(&before, section, findings, &report::machine()))?;
        say(format_args!("\nwrote {}", path.display()));
    }
    Ok(())
}
