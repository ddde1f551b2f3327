//! `cargo xtask load`: drives the same work at every shape and draws a report of what it cost.
//!
//! Everything is compared within one run of the command: the shapes take turns, each on a copy of
//! the same seeded data, and one shape against itself says how far apart two runs of the same thing
//! lie. What was measured is in `campaign.json`; the report is drawn from that file alone.

mod about;
mod campaign;
mod collector;
mod cores;
mod generator;
mod haproxy;
mod hop;
mod options;
mod parts;
mod site;
mod watch;
mod wire;
mod work;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use load_report::{model::Campaign, statistics::Statistics};

use self::cores::Cores;
use crate::{console::say, shapes::BuildProfile, steps, tools::Install, workspace::Workspace};

pub use options::Options;

/// Builds, measures and reports.
///
/// # Errors
/// Something does not build, start or answer, or the books do not balance. Figures that miss their
/// targets are figures.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let folder = folder(&workspace, options)?;
    ensure!(!folder.exists(), "{} is there already: say --out another", folder.display());
    say("building the generator …");
    build(&workspace, options.profile(), "loadtest")?;
    let folder = made(&folder)?;
    // Before there are other threads. Where somebody else runs the system, its cores are not ours
    // to deal out.
    let cores = if options.against.is_none() { Cores::divide()? } else { Cores::shared() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = match &options.against {
        Some(url) => campaign::against(&workspace, options, &folder, url)?,
        None => runtime.block_on(campaign::of_shapes(&workspace, options, &folder, &cores))?,
    };
    // What was measured before something failed is worth a report.
    let reported = finish(&outcome.campaign, &folder);
    match (outcome.ended, reported) {
        (Ok(()), reported) => reported,
        (Err(why), Ok(())) => Err(why),
        (Err(why), Err(also)) => Err(why.context(format!("{also:#}; and before that"))),
    }
}

/// Every part on PostgreSQL, in a few minutes, to try the command.
pub(crate) fn smoke(install: Install) -> Result<()> {
    run(&Options::smoke(install))
}

/// Builds a program of its own, with processor time that can be told from that of this command. One
/// that is not optimised has the features that the tests are built with, so that little of it has to be
/// compiled beside them.
fn build(workspace: &Workspace, profile: BuildProfile, name: &str) -> Result<()> {
    let build = match profile {
        BuildProfile::Debug => ["build", "--quiet", "--workspace", "--bin", name],
        BuildProfile::Release => ["build", "--quiet", "--release", "--package", name],
    };
    if !steps::succeeds(&mut workspace.cargo(&build))? {
        bail!("`cargo {}` failed; see above", build.join(" "));
    }
    Ok(())
}

impl Options {
    /// The file of a program that was built.
    fn built(&self, workspace: &Workspace, name: &str) -> PathBuf {
        workspace.target().join(self.profile().folder()).join(name)
    }
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
    Ok(folder)
}

fn made(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // Programs run in folders of their own.
    folder.canonicalize().with_context(|| folder.display().to_string())
}

fn finish(campaign: &Campaign, folder: &Path) -> Result<()> {
    let [data, page, summary] =
        ["campaign.json", "report.html", "summary.json"].map(|name| folder.join(name));
    campaign.save(&data)?;
    // From what was written, as anybody would draw it again.
    let campaign = Campaign::load(&data)?;
    let write = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| path.display().to_string())
    };
    write(&page, load_report::render(&campaign))?;
    let told = load_report::summary(&campaign);
    write(&summary, serde_json::to_string_pretty(&told)? + "\n")?;
    say("");
    told.findings.alarms.iter().for_each(say);
    told.findings.sentences.iter().for_each(|it| say(format_args!("{}: {}", it.topic, it.text)));
    say(format_args!("\n{}\n{}\n{}", data.display(), summary.display(), page.display()));
    let mistakes = mistakes(&campaign);
    ensure!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    Ok(())
}

/// What no figure can be: books that do not balance, requests that nobody knows of, and runs in
/// which nothing was done at all.
fn mistakes(campaign: &Campaign) -> Vec<String> {
    let mut mistakes = Vec::new();
    for group in Statistics::new(campaign).groups {
        for sample in &group.samples {
            let (counts, run) = (&sample.counts, sample.run);
            let known = counts.done + counts.failures() + counts.dropped;
            let mut note = |what: String| {
                mistakes.push(format!(
                    "{:?} of {} on {}, repeat {}: {what}",
                    run.part,
                    run.scenario,
                    group.key.name(),
                    run.repeat
                ));
            };
            run.ledger.faults.iter().for_each(|fault| note(format!("the books: {fault}")));
            if counts.done == 0 {
                note("nothing was done".to_owned());
            }
            if counts.intended != known {
                note(format!("{} requests were meant and {known} are known of", counts.intended));
            }
        }
    }
    mistakes
}

#[cfg(test)]
mod tests;
