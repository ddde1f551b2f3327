//! The parts of a campaign, in the order in which they are run.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result};
use load_report::model::{Build, Campaign, Part, Run, names};
use loadtest::people::People;

use super::{
    about::about,
    cores::Cores,
    generator::{Generator, Order},
    options::{Options, Wanted},
    parts::Limits,
    site::Site,
    work::{Candidate, Work},
};
use crate::{
    console::say,
    shapes::{self, Shape},
    workspace::Workspace,
};

/// What was measured, and whether it was all.
pub(super) struct Outcome {
    pub(super) campaign: Campaign,
    pub(super) ended: Result<()>,
}

/// Every part, on the monolith and with billing extracted.
pub(super) async fn of_shapes(
    workspace: &Workspace,
    options: &Options,
    folder: &Path,
    cores: &Cores,
) -> Result<Outcome> {
    // Before anything takes minutes.
    options.check()?;
    let candidates = candidates(workspace, options)?;
    // Compiling is not measuring.
    let begun = Instant::now();
    let site = Site::new(options.engine, options.install, folder).await?;
    let pace = options.pace();
    let engine = site.name().await?;
    let mut about = about(workspace, options, engine.clone(), cores)?;
    let (runs, starts) = (Vec::new(), Vec::new());
    let mut work = Work { workspace, options, pace, site, cores, candidates, runs, starts };
    about.data = work.seed().await?;
    let mut ended = work.parts(&engine).await;
    about.took_s = begun.elapsed().as_secs();
    if let (Ok(Some(half)), Some(minutes)) = (&ended, options.soak) {
        ended = work.soak(*half, minutes).await.map(|()| None);
    }
    // What failed first is what to look into.
    let ended = ended.map(drop).and(work.site.leave());
    let campaign = Campaign { about, runs: work.runs, starts: work.starts };
    Ok(Outcome { campaign, ended })
}

impl Work<'_> {
    /// All parts but the soak, which takes as long as it is told to. Says the rate of comparisons,
    /// where it is known.
    async fn parts(&mut self, engine: &str) -> Result<Option<f64>> {
        let options = self.options;
        let wants = |part| options.wants(part);
        if wants(Wanted::Starts) {
            self.starts(engine).await?;
        }
        let limits = self.capable_of().await?;
        // All is compared at the same rates, which are the monolith's.
        let knee = limits.first().map(|limits| limits.knee);
        let half = options.rate.or(knee.map(|knee| knee / 2.0));
        if let Some(half) = half.filter(|_| wants(Wanted::Compare)) {
            self.compare(half).await?;
            self.count_database(half).await?;
            self.predict(half).await?;
        }
        if let Some(half) = half.filter(|_| wants(Wanted::Telemetry)) {
            self.telemetry(half).await?;
        }
        if wants(Wanted::Overload) {
            self.overload(&limits).await?;
        }
        if wants(Wanted::NoisyNeighbour) || wants(Wanted::Scaling) {
            let flood = self.flood().await?;
            if let Some(knee) = knee.filter(|_| wants(Wanted::NoisyNeighbour)) {
                self.noisy_neighbour(knee, flood).await?;
            }
            if wants(Wanted::Scaling) {
                self.scaling(flood).await?;
            }
        }
        if wants(Wanted::RollingRestart) {
            self.rolling_restart().await?;
        }
        if wants(Wanted::Baseline) {
            self.baseline().await?;
        }
        Ok(half)
    }

    /// What each candidate can do: found out, or as `--rate` says it; nothing where no part that is
    /// wanted goes by it.
    async fn capable_of(&mut self) -> Result<Vec<Limits>> {
        if self.options.wants(Wanted::Sweep) {
            return self.sweep().await;
        }
        let told = self.options.rate.map(|half| Limits { knee: 2.0 * half, capacity: 2.0 * half });
        Ok(told.map_or_else(Vec::new, |limits| vec![limits; self.candidates.len()]))
    }
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
    let unknown = "unknown: it was running already".to_owned();
    let mut about = about(workspace, options, unknown, &Cores::shared())?;
    about.build = Build::Unknown;
    about.data = People::read(&people)?.data;
    let program = options.built(workspace, "loadtest");
    // A secret comes by the environment, where there is one.
    let (own_url, webhook_secret) = (url.to_owned(), None);
    let generator = Generator { program, url: own_url, people, cores: None, webhook_secret };
    let mut runs = Vec::new();
    for repeat in 0..pace.repeats {
        say(format_args!("{} at {rate:.0} a second, {} …", options.scenario, repeat + 1));
        let seed = options.seed + u64::from(repeat);
        let order = Order::new(options.scenario.clone(), rate, seed, &pace);
        let run = generator.run(&order, Vec::new())?;
        runs.push(Run { part: Part::Compare, shape: url.to_owned(), repeat, ..run });
    }
    let campaign = Campaign { about, runs, starts: Vec::new() };
    Ok(Outcome { campaign, ended: Ok(()) })
}
