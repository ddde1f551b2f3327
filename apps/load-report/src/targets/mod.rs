//! What was asked for, and whether it was reached.
//!
//! What was repeated is judged by its whole interval: where the limit lies within it, nothing is
//! settled. What was measured once is judged by that.

mod baseline;
mod extraction;
mod prediction;
mod running;
mod telemetry;

use serde::Serialize;

use crate::{
    format,
    model::Build,
    statistics::{Estimate, Statistics},
};

pub use extraction::{Read, billing_reads};
pub use prediction::{Predicted, predicted};

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// What it is about.
    pub what: String,
    /// The limit, in words.
    pub asked: String,
    /// What was found, in words; why not, where nothing was.
    pub measured: String,
    /// Whether it was reached.
    pub verdict: Verdict,
}

/// Whether a target was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was.
    Met,
    /// It was not.
    Missed,
    /// The limit lies within the interval: more repeats, or a quieter machine, would tell.
    Unsettled,
    /// Nobody knows.
    NotMeasured,
}

impl Verdict {
    /// As it stands in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unsettled => "not settled",
            Self::NotMeasured => "not measured",
        }
    }

    const fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Missed }
    }
}

/// Every target and what the campaign says of it.
#[must_use]
pub fn targets(statistics: &Statistics<'_>) -> Vec<Target> {
    let mut targets = vec![baseline::read(statistics)];
    targets.extend(extraction::latency(statistics));
    targets.extend(extraction::processor(statistics));
    targets.extend(prediction::agreement(statistics));
    targets.push(telemetry::cost(statistics));
    targets.extend(running::overload(statistics));
    targets.push(running::restart(statistics));
    targets.extend(running::soak(statistics));
    targets.push(running::start(statistics));
    targets.push(running::duration(statistics));
    if statistics.campaign.about.build == Build::Unoptimised {
        // What such programs do is no answer, good or bad.
        for target in targets.iter_mut().filter(|it| it.verdict != Verdict::NotMeasured) {
            target.verdict = Verdict::NotMeasured;
            target.measured += ", of programs that were not optimised";
        }
    }
    targets
}

/// What was asked for, before it is known what was found.
struct Asked {
    what: String,
    asked: String,
}

impl Asked {
    fn new(what: impl Into<String>, asked: impl Into<String>) -> Self {
        Self { what: what.into(), asked: asked.into() }
    }

    fn found(self, measured: String, verdict: Verdict) -> Target {
        Target { what: self.what, asked: self.asked, measured, verdict }
    }

    fn not_measured(self, why: impl Into<String>) -> Target {
        self.found(why.into(), Verdict::NotMeasured)
    }
}

/// Which side of a limit is the right one.
#[derive(Clone, Copy)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Limit {
    fn verdict(self, estimate: &Estimate) -> Verdict {
        let (low, high) = estimate.interval.unwrap_or((estimate.mean, estimate.mean));
        let (is_met, is_missed) = match self {
            Self::AtLeast(limit) => (low >= limit, high < limit),
            Self::AtMost(limit) => (high <= limit, low > limit),
        };
        match (is_met, is_missed) {
            (true, _) => Verdict::Met,
            (_, true) => Verdict::Missed,
            _ => Verdict::Unsettled,
        }
    }
}

fn times_as_percent(ratio: f64) -> String {
    format::percent(ratio)
}
