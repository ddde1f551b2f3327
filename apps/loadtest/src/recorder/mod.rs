//! What became of each request, in memory that does not grow with their number.

mod histogram;
mod timeline;

use std::{
    collections::BTreeMap,
    mem,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use load_report::model::{Operation, Second};

use crate::client::Failure;
use timeline::Timeline;

pub use histogram::{LOWEST, MOST, decode};

/// How many samples a shard holds before it hands them on without being asked: 0.5 MB.
const FULL: usize = 8_192;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What it is recorded as.
    pub operation: &'static str,
    /// When it was meant to start, since the beginning of the run.
    pub intended: Duration,
    /// What became of it.
    pub fate: Fate,
}

impl Sample {
    /// When it was answered as it should be, if it was.
    fn done_at(&self) -> Option<Duration> {
        match self.fate {
            Fate::Sent { late, service, failure: None, .. } => Some(self.intended + late + service),
            Fate::Sent { .. } | Fate::Dropped => None,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It was sent.
    Sent {
        /// From the intended start to the sending: what the generator itself was late.
        late: Duration,
        /// From the sending to the end of the answer.
        service: Duration,
        /// Why it was not answered as it should be, if it was not.
        failure: Option<Failure>,
        /// Bytes in both directions.
        bytes: u64,
    },
    /// It was not sent, as too many journeys were under way.
    Dropped,
}

/// Takes the samples of one worker, which nobody else waits for.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    samples: Arc<Mutex<Vec<Sample>>>,
    recorder: Arc<Mutex<Recorder>>,
}

impl Shard {
    pub(crate) fn of(recorder: &Arc<Mutex<Recorder>>) -> Self {
        let samples = Arc::new(Mutex::new(Vec::with_capacity(FULL)));
        Self { samples, recorder: Arc::clone(recorder) }
    }

    pub(crate) fn record(&self, sample: Sample) {
        let full = {
            let mut samples = lock(&self.samples);
            samples.push(sample);
            samples.len() >= FULL
        };
        if full {
            self.hand_on();
        }
    }

    /// Called each second, so that nobody holds the recorder for long.
    pub(crate) fn hand_on(&self) {
        let samples = mem::replace(&mut *lock(&self.samples), Vec::with_capacity(FULL));
        let mut recorder = lock(&self.recorder);
        samples.iter().for_each(|sample| recorder.record(sample));
    }
}

/// All operations and all seconds of one run: two histograms for each operation, and one for each
/// second that may still change.
#[derive(Debug)]
pub struct Recorder {
    window: Range<Duration>,
    operations: BTreeMap<&'static str, Tally>,
    timeline: Timeline,
    lateness: Histogram<u64>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// By name.
    pub operations: BTreeMap<String, Operation>,
    /// One for each second.
    pub timeline: Vec<Second>,
    /// What the generator itself was late, in microseconds.
    pub lateness: Histogram<u64>,
}

impl Recorder {
    /// Measures what is meant to start in `window`. A second changes for as long as `patience`,
    /// the longest that an answer takes.
    #[must_use]
    pub fn new(window: Range<Duration>, patience: Duration) -> Self {
        let seconds = (window.end.saturating_sub(window.start)).as_secs_f64().ceil();
        let timeline = Timeline::new(seconds as usize, patience);
        Self { window, operations: BTreeMap::new(), timeline, lateness: histogram::new() }
    }

    /// Counts `sample`, where it was meant to start, or was done, while it is measured.
    pub fn record(&mut self, sample: &Sample) {
        let is_measured = self.window.contains(&sample.intended);
        let ended = sample.done_at().filter(|ended| self.window.contains(ended));
        if !is_measured && ended.is_none() {
            return;
        }
        let tally = self.operations.entry(sample.operation).or_insert_with(Tally::new);
        tally.finished += u64::from(ended.is_some());
        if !is_measured {
            return;
        }
        tally.record(&sample.fate);
        let second = sample.intended.saturating_sub(self.window.start).as_secs() as usize;
        self.timeline.record(second, &sample.fate);
        if let Fate::Sent { late, .. } = sample.fate {
            self.lateness.saturating_record(histogram::micros(late));
        }
    }

    /// How many histograms there are now.
    #[must_use]
    pub fn histograms(&self) -> usize {
        1 + 2 * self.operations.len() + self.timeline.open()
    }

    /// All that was recorded.
    ///
    /// # Errors
    /// A histogram that cannot be written, which is not to be expected.
    pub fn finish(self) -> anyhow::Result<Measured> {
        let written = |(name, tally): (&str, Tally)| Ok((name.to_owned(), tally.finish()?));
        Ok(Measured {
            operations: self.operations.into_iter().map(written).collect::<anyhow::Result<_>>()?,
            timeline: self.timeline.finish(),
            lateness: self.lateness,
        })
    }
}

#[derive(Debug)]
struct Tally {
    latency: Histogram<u64>,
    service: Histogram<u64>,
    failed: BTreeMap<Failure, u64>,
    dropped: u64,
    bytes: u64,
    finished: u64,
}

impl Tally {
    fn new() -> Self {
        let (latency, service) = (histogram::new(), histogram::new());
        Self { latency, service, failed: BTreeMap::new(), dropped: 0, bytes: 0, finished: 0 }
    }

    fn record(&mut self, fate: &Fate) {
        match *fate {
            Fate::Dropped => self.dropped += 1,
            Fate::Sent { late, service, failure, bytes } => {
                self.bytes += bytes;
                match failure {
                    Some(failure) => *self.failed.entry(failure).or_default() += 1,
                    None => {
                        self.latency.saturating_record(histogram::micros(late + service));
                        self.service.saturating_record(histogram::micros(service));
                    }
                }
            }
        }
    }

    fn finish(self) -> anyhow::Result<Operation> {
        let done = self.latency.len();
        Ok(Operation {
            intended: done + self.failed.values().sum::<u64>() + self.dropped,
            done,
            finished: self.finished,
            failed: self.failed.into_iter().map(|(why, count)| (why.name(), count)).collect(),
            dropped: self.dropped,
            bytes: self.bytes,
            latency: histogram::encode(&self.latency)?,
            service: histogram::encode(&self.service)?,
        })
    }
}

/// What somebody left who panicked is still what was recorded.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
