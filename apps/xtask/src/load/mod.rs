//! `cargo xtask load`: drives the same work at every shape and draws a report of what it cost.
//!
//! Everything is compared within one run of the command: the shapes take turns, each on a copy of
//! the same seeded data, and one shape against itself says how far apart two runs of the same thing
//! lie. What was measured is in `campaign.json`; the report is drawn from that file alone.

mod about;
mod campaign;
mod generator;
mod options;
mod site;
mod watch;

use std::{fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use load_report::model::Campaign;

use crate::{console::say, steps, workspace::Workspace};

pub use options::Options;

/// Builds, measures and reports.
///
/// # Errors
/// Something does not build, start or answer. Figures that miss their targets are figures.
pub fn run(options: &Options) -> Result<()> {
    let begun = Instant::now();
    let workspace = Workspace::find()?;
    build_generator(&workspace)?;
    let folder = folder(&workspace, options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut campaign = match &options.against {
        Some(url) => campaign::against(&workspace, options, &folder, url)?,
        None => runtime.block_on(campaign::of_shapes(&workspace, options, &folder))?,
    };
    campaign.about.took_s = begun.elapsed().as_secs();
    finish(&campaign, &folder)
}

/// The generator is a program of its own: optimised, and with processor time that can be told from
/// that of this command.
fn build_generator(workspace: &Workspace) -> Result<()> {
    say("building the generator …");
    let build = ["build", "--release", "--quiet", "--package", "loadtest"];
    if !steps::succeeds(&mut workspace.cargo(&build))? {
        bail!("`cargo build --release --package loadtest` failed; see above");
    }
    Ok(())
}

/// Where everything of this run is kept.
fn folder(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let folder = match &options.out {
        Some(folder) => folder.clone(),
        None => {
            let mut date = Command::new("date");
            let now = steps::output(date.args(["-u", "+%Y%m%d-%H%M%S"]))?;
            workspace.target().join("load").join(now.trim())
        }
    };
    ensure!(!folder.exists(), "{} is there already: say --out another", folder.display());
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    // Programs run in folders of their own.
    folder.canonicalize().with_context(|| folder.display().to_string())
}

fn finish(campaign: &Campaign, folder: &std::path::Path) -> Result<()> {
    let (data, page) = (folder.join("campaign.json"), folder.join("report.html"));
    campaign.save(&data)?;
    // From what was written, as anybody would draw it again.
    let report = load_report::render(&Campaign::load(&data)?);
    fs::write(&page, report).with_context(|| format!("writing {}", page.display()))?;
    say(format_args!("\n{}\n{}", data.display(), page.display()));
    let unbalanced: Vec<&str> =
        campaign.runs.iter().flat_map(|run| run.ledger.faults.iter().map(String::as_str)).collect();
    ensure!(unbalanced.is_empty(), "the books do not balance:\n{}", unbalanced.join("\n"));
    Ok(())
}
