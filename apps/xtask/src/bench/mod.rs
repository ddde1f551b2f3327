//! `cargo xtask bench`: what the seam costs, how fast the monolith starts, and what it needs while
//! idle. Nothing here is a test: figures depend on the machine, so ratios of one run are compared
//! with the targets, and a miss is said, not failed.

mod report;
mod seam;
mod startup;

use anyhow::{Result, bail};
use clap::Args;

use crate::{console::say, files, steps, workspace::Workspace};

use report::Finding;

/// What `bench` can be told.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Writes the findings into docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Measures start-up and idle memory only, and runs no criterion benchmarks.
    #[arg(long)]
    startup_only: bool,
}

/// Measures and reports.
///
/// # Errors
/// Something does not build or start.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut findings = Vec::new();
    if !options.startup_only {
        if !steps::succeeds(&mut workspace.cargo(&["bench", "--package", "remote"]))? {
            bail!("`cargo bench --package remote` failed; see above");
        }
        findings.extend(seam::findings(workspace.target())?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    findings.extend(runtime.block_on(startup::findings(&workspace))?);
    say("");
    findings.iter().map(Finding::line).for_each(say);
    if options.write {
        let path = workspace.root().join("docs/performance.md");
        let before = files::read(&path).unwrap_or_else(|_| report::TITLE.to_owned());
        files::write(&path, &report::replace(&before, &findings, &report::machine()))?;
        say(format_args!("\nwrote {}", path.display()));
    }
    Ok(())
}
