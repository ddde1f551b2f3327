//! Runs that are repeats of each other.

use std::collections::BTreeMap;

use crate::model::{
    Campaign, Load, Operation, Part, ProcessUse, Run,
    histogram::{self, Histogram},
    names,
};

/// A campaign, its runs put together with their repeats.
#[derive(Debug)]
pub struct Statistics<'a> {
    /// What it is computed from.
    pub campaign: &'a Campaign,
    /// In the order in which the first run of each was made.
    pub groups: Vec<Group<'a>>,
    /// Every shape: the monolith first, others as they came, handlers written by hand at the end.
    pub shapes: Vec<&'a str>,
    /// A sentence for each histogram that could not be read; its times are missing everywhere.
    pub unreadable: Vec<String>,
}

impl<'a> Statistics<'a> {
    /// Reads all histograms and puts repeats together.
    #[must_use]
    pub fn new(campaign: &'a Campaign) -> Self {
        let mut statistics =
            Self { campaign, groups: Vec::new(), shapes: Vec::new(), unreadable: Vec::new() };
        for run in &campaign.runs {
            let sample = Sample::new(run, &mut statistics.unreadable);
            let key = Key::of(run);
            match statistics.groups.iter_mut().find(|group| group.key == key) {
                Some(group) => group.samples.push(sample),
                None => statistics.groups.push(Group { key, samples: vec![sample] }),
            }
            if !statistics.shapes.contains(&run.shape.as_str()) {
                statistics.shapes.push(&run.shape);
            }
        }
        statistics.shapes.sort_by_key(|shape| match *shape {
            names::MONOLITH => 0,
            names::BY_HAND | names::BARE => 2,
            _ => 1,
        });
        for group in &mut statistics.groups {
            group.samples.sort_by_key(|sample| sample.run.repeat);
        }
        statistics
    }

    /// The groups of one part.
    pub fn part(&self, part: Part) -> impl Iterator<Item = &Group<'a>> {
        self.groups.iter().filter(move |group| group.key.part == part)
    }
}

/// What repeats have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key<'a> {
    /// The part of the campaign.
    pub part: Part,
    /// The shape's name.
    pub shape: &'a str,
    /// Which of several alternatives, or empty.
    pub variant: &'a str,
    /// The scenario's name.
    pub scenario: &'a str,
    /// How requests came.
    pub load: Load,
}

impl<'a> Key<'a> {
    fn of(run: &'a Run) -> Self {
        Self {
            part: run.part,
            shape: &run.shape,
            variant: &run.variant,
            scenario: &run.scenario,
            load: run.load,
        }
    }

    /// The shape, and which alternative of it.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.shape, self.variant) {
            (shape, "") => shape.to_owned(),
            (shape, variant) => format!("{shape}, {variant}"),
        }
    }
}

/// Runs that are repeats of each other, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub key: Key<'a>,
    /// At least one.
    pub samples: Vec<Sample<'a>>,
}

impl Group<'_> {
    /// The same with only the operations of which `wanted` holds.
    #[must_use]
    pub fn narrowed(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let samples = self.samples.iter().map(|sample| sample.narrowed(&wanted)).collect();
        Self { key: self.key, samples }
    }

    /// The times of all repeats together.
    #[must_use]
    pub fn latency(&self) -> Histogram<u64> {
        let mut all = histogram::empty();
        for sample in &self.samples {
            // One that takes any time does not refuse one.
            let _ = all.add(&sample.latency);
        }
        all
    }

    /// What became of the requests of all repeats together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        for sample in &self.samples {
            all.add(&sample.counts);
        }
        all
    }
}

/// One run, or some operations of it.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// The run itself.
    pub run: &'a Run,
    /// What became of requests.
    pub counts: Counts,
    /// Microseconds from the intended start, of what was done.
    pub latency: Histogram<u64>,
    /// The same from when the request was really sent.
    pub service: Histogram<u64>,
    /// Whether these are all operations of the run, so that its processes worked for these alone.
    pub is_whole: bool,
}

impl<'a> Sample<'a> {
    fn new(run: &'a Run, unreadable: &mut Vec<String>) -> Self {
        let mut sample = Self { is_whole: true, ..Self::without_operations(run) };
        for (name, operation) in &run.operations {
            if let Err(error) = sample.add(operation) {
                let Run { shape, scenario, repeat, .. } = run;
                unreadable.push(format!(
                    "{name} of {scenario} on {shape}, repeat {repeat}: {}",
                    chain(&error)
                ));
            }
        }
        sample
    }

    /// All operations of one run.
    pub(super) fn read(run: &'a Run) -> Result<Self, histogram::HistogramError> {
        let mut sample = Self { is_whole: true, ..Self::without_operations(run) };
        run.operations.values().try_for_each(|operation| sample.add(operation))?;
        Ok(sample)
    }

    fn narrowed(&self, wanted: impl Fn(&str) -> bool) -> Self {
        if self.run.operations.keys().all(|name| wanted(name)) {
            return self.clone();
        }
        let mut sample = Self::without_operations(self.run);
        for (_, operation) in self.run.operations.iter().filter(|(name, _)| wanted(name)) {
            // What cannot be read was said when the whole run was read.
            let _ = sample.add(operation);
        }
        sample
    }

    fn without_operations(run: &'a Run) -> Self {
        Self {
            run,
            counts: Counts::default(),
            latency: histogram::empty(),
            service: histogram::empty(),
            is_whole: false,
        }
    }

    fn add(&mut self, operation: &Operation) -> Result<(), histogram::HistogramError> {
        self.counts.add(&Counts {
            intended: operation.intended,
            done: operation.done,
            finished: operation.finished,
            failed: operation.failed.clone(),
            dropped: operation.dropped,
            bytes: operation.bytes,
        });
        let latency = histogram::read(&operation.latency)?;
        let service = histogram::read(&operation.service)?;
        self.latency.add(latency).map_err(histogram::HistogramError::Merge)?;
        self.service.add(service).map_err(histogram::HistogramError::Merge)
    }

    /// The processes that served, by name: all but the generator.
    pub fn servers(&self) -> impl Iterator<Item = (&'a str, &'a ProcessUse)> {
        let all = self.run.processes.iter().map(|(name, process)| (name.as_str(), process));
        all.filter(|(name, _)| *name != names::GENERATOR)
    }
}

/// What became of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that were meant to start.
    pub intended: u64,
    /// Those answered as they should be.
    pub done: u64,
    /// Those answered as they should be within the measured time, whenever they were meant to start.
    pub finished: u64,
    /// Those answered otherwise, by what came instead.
    pub failed: BTreeMap<String, u64>,
    /// Those never sent.
    pub dropped: u64,
    /// Bytes sent and received.
    pub bytes: u64,
}

impl Counts {
    /// Adds what became of others.
    pub fn add(&mut self, other: &Self) {
        self.intended = self.intended.saturating_add(other.intended);
        self.done = self.done.saturating_add(other.done);
        self.finished = self.finished.saturating_add(other.finished);
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.bytes = self.bytes.saturating_add(other.bytes);
        for (kind, count) in &other.failed {
            let sum = self.failed.entry(kind.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// Those that were answered otherwise than they should be.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
