//! The parts of a campaign, in the order in which they are run.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use load_report::model::{Build, Campaign, Part, Run, names};
use loadtest::people::People;

use super::{
    about::about,
    generator::{Generator, Order},
    options::Options,
    site::Site,
    work::{Candidate, Work},
};
use crate::{
    console::say,
    shapes::{self, Shape},
    workspace::Workspace,
};

/// What was measured, and the time that a soak took of it.
pub(super) struct Outcome {
    pub(super) campaign: Campaign,
    pub(super) soaked: Duration,
}

/// Every part, on the monolith and with billing extracted.
pub(super) async fn of_shapes(
    workspace: &Workspace,
    options: &Options,
    folder: &Path,
) -> Result<Outcome> {
    let candidates = candidates(workspace, options)?;
    let site = Site::new(options.engine, options.install, folder).await?;
    let pace = options.pace();
    let engine = site.name().await?;
    let mut about = about(workspace, options, engine.clone())?;
    let (runs, starts) = (Vec::new(), Vec::new());
    let mut work = Work { workspace, options, pace, site, candidates, runs, starts };
    about.data = work.seed().await?;
    work.starts(&engine).await?;
    let limits = work.sweep().await?;
    // All is compared at the same rates, which are the monolith's.
    let knee = limits[0].knee;
    let half = options.rate.unwrap_or(knee / 2.0);
    work.compare(half).await?;
    work.count_database(half).await?;
    work.overload(&limits).await?;
    work.noisy_neighbour(knee).await?;
    work.scaling(knee).await?;
    work.rolling_restart(knee).await?;
    work.baseline().await?;
    let begun = Instant::now();
    if let Some(minutes) = options.soak {
        work.soak(half, minutes).await?;
    }
    let soaked = begun.elapsed();
    work.site.leave()?;
    let campaign = Campaign { about, runs: work.runs, starts: work.starts };
    Ok(Outcome { campaign, soaked })
}

fn candidates(workspace: &Workspace, options: &Options) -> Result<Vec<Candidate>> {
    let shapes = [(names::MONOLITH, vec![]), ("billing extracted", vec!["billing"])];
    let candidate = |(name, extracted): (&str, Vec<&str>)| {
        say(format_args!("building {name} …"));
        let shape = Shape::extracting(extracted).compiled(options.profile());
        let binaries = shapes::build_in(workspace, &shape)?;
        Ok(Candidate { name: name.to_owned(), binaries })
    };
    shapes.into_iter().map(candidate).collect()
}

/// Runs at a system that somebody else started.
pub(super) fn against(
    workspace: &Workspace,
    options: &Options,
    folder: &Path,
    url: &str,
) -> Result<Outcome> {
    let people = folder.join("people.json");
    let given = options.people.as_ref().context("--people is missing")?;
    std::fs::copy(given, &people).with_context(|| given.display().to_string())?;
    let rate = options.rate.context("--rate is missing")?;
    let pace = options.pace();
    let mut about = about(workspace, options, "unknown: it was running already".to_owned())?;
    about.build = Build::Unknown;
    about.data = People::read(&people)?.data;
    let program = options.built(workspace, "loadtest");
    let generator = Generator { program, url: url.to_owned(), people };
    let mut runs = Vec::new();
    for repeat in 0..pace.repeats {
        say(format_args!("{} at {rate:.0} a second, {} …", options.scenario, repeat + 1));
        let seed = options.seed + u64::from(repeat);
        let order = Order::new(options.scenario.clone(), rate, seed, &pace);
        let run = generator.run(&order, Vec::new())?;
        runs.push(Run { part: Part::Compare, shape: url.to_owned(), repeat, ..run });
    }
    let campaign = Campaign { about, runs, starts: Vec::new() };
    Ok(Outcome { campaign, soaked: Duration::ZERO })
}
