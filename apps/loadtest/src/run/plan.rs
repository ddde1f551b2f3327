//! What is to be run.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use load_report::model::{Load, Part};

use crate::{arrivals::Spacing, scenario::Scenario};

/// What is to be run.
#[derive(Clone)]
pub struct Plan {
    /// The public origin, `http://…`.
    pub url: String,
    /// What is done at the same time; mostly one.
    pub streams: Vec<Stream>,
    /// Load before anything is measured.
    pub warm_up: Duration,
    /// Load that is measured.
    pub measured: Duration,
    /// What arrivals and choices are derived from.
    pub seed: u64,
    /// How far apart arrivals are.
    pub spacing: Spacing,
    /// How long people think between two steps, on average.
    pub think: Duration,
    /// The longest that an answer takes, up to a minute.
    pub patience: Duration,
    /// The most journeys that are under way at once; further ones are dropped, and counted.
    pub most_under_way: usize,
    /// After so many journeys a stream of open load is over, however much time is left.
    pub most_journeys: u64,
    /// Whether the run begins though more tenants may subscribe in it than there are newcomers.
    pub while_newcomers_last: bool,
    /// Threads that send. One is enough for some ten thousand requests a second.
    pub workers: usize,
    /// What the payment provider's webhooks are signed with.
    pub webhook_secret: Option<String>,
    /// Where the run stands in a campaign.
    pub label: Label,
}

/// One scenario under its load.
#[derive(Clone)]
pub struct Stream {
    /// What is done.
    pub scenario: Arc<dyn Scenario>,
    /// How often.
    pub load: Load,
}

/// Where a run stands in a campaign.
#[derive(Clone, Debug)]
pub struct Label {
    /// As in [`Run`](load_report::model::Run), as are the others.
    pub part: Part,
    /// Such as `monolith`.
    pub shape: String,
    /// Such as `2 replicas`.
    pub variant: String,
    /// Counts from 0.
    pub repeat: u32,
}

impl Default for Label {
    fn default() -> Self {
        Self { part: Part::Compare, shape: "?".to_owned(), variant: String::new(), repeat: 0 }
    }
}

/// What a worker must know of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) seed: u64,
    pub(super) spacing: Spacing,
    pub(super) workers: usize,
    pub(super) most_journeys: u64,
    /// Of one worker.
    pub(super) most_under_way: usize,
}

impl Plan {
    /// A plan with what is usual for all else: 5 s of warm-up, 20 s of measuring, a second to think,
    /// 10 s of patience, a thousand journeys under way.
    #[must_use]
    pub fn new(url: impl Into<String>, streams: Vec<Stream>) -> Self {
        Self {
            url: url.into(),
            streams,
            warm_up: Duration::from_secs(5),
            measured: Duration::from_secs(20),
            seed: 1,
            spacing: Spacing::Poisson,
            think: Duration::from_secs(1),
            patience: Duration::from_secs(10),
            most_under_way: 1_000,
            most_journeys: u64::MAX,
            while_newcomers_last: false,
            workers: 1,
            webhook_secret: None,
            label: Label::default(),
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.streams.is_empty(), "a plan without a scenario");
        ensure!(self.workers > 0, "a plan without a worker");
        ensure!(self.measured > Duration::ZERO, "a plan that measures nothing");
        ensure!(self.most_under_way >= self.workers, "a plan with fewer journeys than workers");
        let most = Duration::from_micros(crate::recorder::MOST);
        ensure!(self.patience <= most, "an answer is waited for for a minute at the most");
        Ok(())
    }

    /// Warm-up and measuring.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.warm_up + self.measured
    }

    /// The scenario's name, or all of them.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.streams.iter().map(|stream| stream.scenario.name()).collect();
        names.join(" + ")
    }

    /// All streams' together.
    #[must_use]
    pub fn load(&self) -> Load {
        let (mut rate, mut people) = (0.0, 0);
        for stream in &self.streams {
            match stream.load {
                Load::Open { rate: more } => rate += more,
                Load::Closed { people: more } => people += more,
            }
        }
        if people > 0 { Load::Closed { people } } else { Load::Open { rate } }
    }

    pub(super) fn pace(&self) -> Pace {
        let Self { seed, spacing, workers, most_journeys, most_under_way, .. } = *self;
        Pace { seed, spacing, workers, most_journeys, most_under_way: most_under_way / workers }
    }
}
