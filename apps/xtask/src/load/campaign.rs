//! The parts of a campaign, in the order in which they are run.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result};
use load_report::model::{Campaign, Data, Part, Run, Start, names};
use loadtest::{
    people::People,
    scenarios,
    sweep::{Holds, sweep},
};

use super::{
    about::about,
    generator::{Generator, Order},
    options::{Options, Pace},
    site::{Shown, Site},
};
use crate::{
    console::say,
    shapes::{self, Binaries, BuildProfile, Shape},
    workspace::{MONOLITH, Workspace},
};

/// The rate that the search for the knee begins with.
const FROM: f64 = 50.0;
/// How far above the knee "far too much" is.
const FAR_TOO_MUCH: f64 = 3.0;
/// How often the monolith is started to see how soon it is ready.
const STARTS: usize = 11;

/// A shape with its programs.
struct Candidate {
    name: String,
    binaries: Binaries,
}

struct Work<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    pace: Pace,
    site: Site,
    candidates: Vec<Candidate>,
    runs: Vec<Run>,
}

/// Every part, on the monolith and with billing extracted.
pub(super) async fn of_shapes(
    workspace: &Workspace,
    options: &Options,
    folder: &Path,
) -> Result<Campaign> {
    let candidates = [(names::MONOLITH, vec![]), ("billing extracted", vec!["billing"])]
        .into_iter()
        .map(|(name, extracted)| {
            say(format_args!("building {name}, optimised …"));
            let shape = Shape::extracting(extracted).compiled(BuildProfile::Release);
            let binaries = shapes::build_in(workspace, &shape)?;
            Ok(Candidate { name: name.to_owned(), binaries })
        })
        .collect::<Result<Vec<_>>>()?;
    let site = Site::new(options.engine, options.install, folder).await?;
    let pace = options.pace();
    let engine = site.name().await?;
    let mut work = Work { workspace, options, pace, site, candidates, runs: Vec::new() };
    let data = work.seed().await?;
    let starts = work.starts(&engine).await?;
    let knee = work.sweep().await?;
    let half = options.rate.unwrap_or(knee / 2.0);
    work.compare(half).await?;
    work.overload(knee).await?;
    work.noisy_neighbour(knee).await?;
    if let Some(minutes) = options.soak {
        work.soak(half, minutes).await?;
    }
    let about = about(workspace, options, engine, data)?;
    Ok(Campaign { about, runs: work.runs, starts })
}

/// One run at a system that somebody else started.
pub(super) fn against(
    workspace: &Workspace,
    options: &Options,
    folder: &Path,
    url: &str,
) -> Result<Campaign> {
    let people = folder.join("people.json");
    let given = options.people.as_ref().context("--people is missing")?;
    std::fs::copy(given, &people).with_context(|| given.display().to_string())?;
    let rate = options.rate.context("--rate is missing")?;
    let pace = options.pace();
    let generator = Generator { workspace, url, people: &people };
    let mut runs = Vec::new();
    for repeat in 0..pace.repeats {
        say(format_args!("{} at {rate:.0} a second, {}", options.scenario, repeat + 1));
        let seed = options.seed + u64::from(repeat);
        let order = Order::new(options.scenario.clone(), rate, seed, &pace);
        let run = generator.run(&order, Vec::new())?;
        runs.push(Run { part: Part::Compare, shape: url.to_owned(), repeat, ..run });
    }
    let data = People::read(&people)?.data;
    let about = about(workspace, options, "unknown: it was running already".to_owned(), data)?;
    Ok(Campaign { about, runs, starts: Vec::new() })
}

impl Work<'_> {
    /// Makes what every run begins with, through the public API.
    async fn seed(&mut self) -> Result<Data> {
        let tenants = self.options.tenants();
        let newcomers = self.newcomers()?;
        say(format_args!("seeding {tenants} tenants that pay and {newcomers} that do not yet …"));
        let shown = self.site.first(&self.candidates[0].binaries).await?;
        let url = shown.running.public_url();
        let generator = Generator { workspace: self.workspace, url: &url, people: &shown.people };
        generator.seed(tenants, newcomers, self.options.seed)?;
        let data = People::read(&shown.people)?.data;
        self.site.keep(shown).await?;
        Ok(data)
    }

    /// How many tenants the hardest run may have subscribe: each run begins with all of them.
    fn newcomers(&self) -> Result<u64> {
        let name = &self.options.scenario;
        let scenario = scenarios::named(name).with_context(|| format!("no scenario `{name}`"))?;
        let longest = self.pace.warm_up + self.pace.seconds;
        let most = self.pace.top_rate * longest * scenario.newcomers();
        // Room for chance.
        Ok((most + 5.0 * most.sqrt()).ceil() as u64)
    }

    /// How soon the monolith is ready on data that exist.
    async fn starts(&mut self, engine: &str) -> Result<Vec<Start>> {
        say("starting the monolith again and again …");
        let shown = self.site.next(&self.candidates[0].binaries).await?;
        let mut starts = Vec::new();
        let monolith = shown.running.program(MONOLITH)?;
        for _ in 0..STARTS {
            monolith.terminate().await?;
            let begun = Instant::now();
            monolith.start().await?;
            let ready = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let (program, engine) = (MONOLITH.to_owned(), engine.to_owned());
            starts.push(Start { program, engine, ready });
        }
        self.site.clear(shown).await?;
        Ok(starts)
    }

    /// Looks for each shape's knee; says the monolith's.
    async fn sweep(&mut self) -> Result<f64> {
        let mut knees = Vec::new();
        for position in 0..self.candidates.len() {
            let name = self.candidates[position].name.clone();
            say(format_args!("looking for the highest rate that {name} serves well …"));
            let shown = self.site.next(&self.candidates[position].binaries).await?;
            let step = Pace { warm_up: 2.0, seconds: self.pace.step_seconds, ..self.pace };
            let found = sweep(FROM, self.pace.top_rate, Holds::default(), async |rate| {
                let scenario = self.options.scenario.clone();
                let order = Order::new(scenario, rate, self.options.seed, &step);
                let run = self.measure(&shown, &order)?;
                Ok(Run { part: Part::Sweep, shape: name.clone(), ..run })
            })
            .await?;
            self.site.clear(shown).await?;
            let knee = found.knee.unwrap_or(FROM);
            say(format_args!("  {knee:.0} journeys a second"));
            knees.push(knee);
            self.runs.extend(found.runs);
        }
        Ok(knees[0])
    }

    /// The shapes in turns at one rate, and the monolith against itself.
    async fn compare(&mut self, rate: f64) -> Result<()> {
        let mut turns = vec![(0, Part::Noise, "A"), (0, Part::Noise, "B")];
        turns.extend((0..self.candidates.len()).map(|position| (position, Part::Compare, "")));
        for repeat in 0..self.pace.repeats {
            say(format_args!("comparing at {rate:.0} a second, {} …", repeat + 1));
            for &(position, part, variant) in &turns {
                let order = self.order(rate, repeat);
                self.one(position, part, variant, repeat, &order).await?;
            }
            // The other way round next time: what comes later finds a warmer machine.
            turns.reverse();
        }
        Ok(())
    }

    /// Far more than can be served.
    async fn overload(&mut self, knee: f64) -> Result<()> {
        for repeat in 0..self.pace.other_repeats {
            say(format_args!("asking for {FAR_TOO_MUCH} times too much, {} …", repeat + 1));
            for position in 0..self.candidates.len() {
                let rate = (FAR_TOO_MUCH * knee).min(self.pace.top_rate);
                let order = self.order(rate, repeat);
                self.one(position, Part::Overload, "", repeat, &order).await?;
            }
        }
        Ok(())
    }

    /// People read and log in while one tenant's programs report all the usage that they can.
    async fn noisy_neighbour(&mut self, knee: f64) -> Result<()> {
        for repeat in 0..self.pace.other_repeats {
            say(format_args!("a noisy neighbour, {} …", repeat + 1));
            for position in 0..self.candidates.len() {
                for (variant, flood) in [("quiet", None), ("flooded", Some(knee))] {
                    let seed = self.seed_of(repeat);
                    let calm = Order::new("log-in".to_owned(), knee / 20.0, seed, &self.pace);
                    let beside = flood.map(|rate| ("usage".to_owned(), rate));
                    let order = Order { beside, ..calm };
                    self.one(position, Part::NoisyNeighbour, variant, repeat, &order).await?;
                }
            }
        }
        Ok(())
    }

    /// The same for long.
    async fn soak(&mut self, rate: f64, minutes: u64) -> Result<()> {
        for position in 0..self.candidates.len() {
            say(format_args!("steady load for {minutes} minutes …"));
            let order = Order { seconds: 60.0 * minutes as f64, ..self.order(rate, 0) };
            self.one(position, Part::Soak, "", 0, &order).await?;
        }
        Ok(())
    }

    fn order(&self, rate: f64, repeat: u32) -> Order {
        Order::new(self.options.scenario.clone(), rate, self.seed_of(repeat), &self.pace)
    }

    /// The same for all that is compared, and another for each repeat.
    fn seed_of(&self, repeat: u32) -> u64 {
        self.options.seed + u64::from(repeat)
    }

    async fn one(
        &mut self,
        position: usize,
        part: Part,
        variant: &str,
        repeat: u32,
        order: &Order,
    ) -> Result<()> {
        let shown = self.site.next(&self.candidates[position].binaries).await?;
        let measured = self.measure(&shown, order);
        self.site.clear(shown).await?;
        let shape = self.candidates[position].name.clone();
        let variant = variant.to_owned();
        self.runs.push(Run { part, shape, variant, repeat, ..measured? });
        Ok(())
    }

    fn measure(&self, shown: &Shown, order: &Order) -> Result<Run> {
        let url = shown.running.public_url();
        let generator = Generator { workspace: self.workspace, url: &url, people: &shown.people };
        generator.run(order, self.site.watched(shown))
    }
}
