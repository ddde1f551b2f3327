//! Which fault comes when: every one of the run at least once, then at random, as the seed says.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{Fault, Hand, Happened, Pace};
use crate::{journey::Traffic, options::Options, site::Site};

/// How often a fault whose moment did not come is tried again beyond the time of the run.
const TRIES: u32 = 4;

/// What was done to the system, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inflicted {
    /// What.
    pub fault: Fault,
    /// Milliseconds since the first.
    pub at_ms: u64,
    /// Until it was healed.
    pub took_ms: u64,
    /// Whether it came about.
    pub happened: bool,
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Those that are to come about.
    pub faults: Vec<Fault>,
    /// For how long faults are inflicted.
    pub time: Duration,
    /// How long they last.
    pub pace: Pace,
    /// What all follows from.
    pub seed: u64,
}

/// The faults that the options name and that can be inflicted on such a system; all that can be,
/// where they name none.
#[must_use]
pub fn applicable(options: &Options) -> Vec<Fault> {
    let wanted = options.wanted();
    let wanted = if wanted.is_empty() { Fault::ALL } else { &wanted };
    let Options { shape, engine, broken, .. } = *options;
    wanted.iter().copied().filter(|fault| fault.applies_to(shape, engine, broken)).collect()
}

impl Schedule {
    /// Inflicts faults on `site`, one after the other with a little calm between them, and writes
    /// each into `timeline`.
    ///
    /// # Errors
    /// The system does not come back from one, or the file cannot be written.
    pub async fn run(&self, site: &Site, traffic: &Traffic, timeline: &Path) -> Result<()> {
        let mut file = File::create(timeline).context("making the timeline")?;
        let mut dice = StdRng::seed_from_u64(self.seed);
        let mut to_come = self.faults.clone();
        to_come.shuffle(&mut dice);
        to_come.reverse();
        let mut tries: BTreeMap<Fault, u32> = BTreeMap::new();
        let begun = Instant::now();
        loop {
            let in_time = begun.elapsed() < self.time;
            let next = match to_come.pop() {
                Some(fault) => fault,
                None if in_time && !self.faults.is_empty() => {
                    self.faults[dice.random_range(0..self.faults.len())]
                }
                None => return Ok(()),
            };
            sleep(Duration::from_millis(dice.random_range(300..1_200))).await;
            let at = begun.elapsed();
            let (pace, before) = (self.pace, tries.get(&next).copied().unwrap_or_default());
            let mut hand = Hand { site, traffic, dice: &mut dice, pace, before };
            let happened = hand.inflict(next).await.with_context(|| next.name())?;
            let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let inflicted = Inflicted {
                fault: next,
                at_ms: millis(at),
                took_ms: millis(begun.elapsed() - at),
                happened: happened == Happened::Yes,
            };
            serde_json::to_writer(&file, &inflicted).context("writing the timeline")?;
            file.write_all(b"\n").context("writing the timeline")?;
            let tried = tries.entry(next).or_default();
            *tried += 1;
            if happened == Happened::No && *tried < TRIES {
                to_come.insert(0, next);
            }
        }
    }
}

/// Reads what a run has inflicted.
///
/// # Errors
/// The file cannot be read, or is no timeline.
pub fn read_timeline(path: &Path) -> Result<Vec<Inflicted>> {
    let context = || format!("reading {}", path.display());
    let file = File::open(path).with_context(context)?;
    let lines = BufReader::new(file).lines();
    lines.map(|line| serde_json::from_str(&line?).with_context(context)).collect()
}
