//! Raises the rate until it no longer holds, and finds the knee.

use anyhow::ensure;
use load_report::{model::Run, statistics::Bound};

/// Where the knee is looked for, and how closely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// The lowest rate.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// What a rate must do to hold.
    pub bound: Bound,
    /// How many times the knee the lowest rate may be that did not hold: above 1.
    pub close: f64,
    /// How many rates beyond the knee are tried at the most, to see what the server does at its best.
    pub beyond: u32,
}

impl Search {
    /// To a twentieth, by the report's own rule.
    #[must_use]
    pub const fn between(from: f64, to: f64) -> Self {
        Self { from, to, bound: Bound::KNEE, close: 1.05, beyond: 4 }
    }
}

/// What a sweep found.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// In the order in which they were run.
    pub runs: Vec<Run>,
    /// The highest rate that held; nothing where not even the lowest did.
    pub knee: Option<f64>,
    /// Whether a higher rate did not: otherwise the knee is beyond the bound.
    pub bounded: bool,
    /// Journeys a second for which all can be done that the server has been seen to do at its best,
    /// however late.
    pub capacity: f64,
}

/// How much more than the rate before is asked for, once the knee is known.
const BEYOND: f64 = 1.5;
/// A server that does so much more than at any rate before is not full yet.
const MORE: f64 = 1.02;

/// Doubles the rate until it does not hold or the highest is reached, then halves the ground between
/// the highest that held and the lowest that did not, until they are close. Then asks for more
/// and more, to see what the server does at its best. `run` is asked for one run at a rate.
///
/// # Errors
/// Those of `run`; bounds of which the lower is not above zero and below the upper.
pub async fn sweep(
    search: Search,
    mut run: impl AsyncFnMut(f64) -> anyhow::Result<Run>,
) -> anyhow::Result<Sweep> {
    let Search { from, to, bound, close, beyond } = search;
    ensure!(0.0 < from && from < to, "a sweep goes from a rate to a higher one");
    ensure!(close > 1.0, "a knee is known to a factor above 1");
    let mut tried = Vec::new();
    let mut held: Option<f64> = None;
    let mut failed: Option<f64> = None;
    loop {
        let rate = match (held, failed) {
            (None, None) => from,
            (Some(held), None) if held >= to => break,
            (Some(held), None) => (2.0 * held).min(to),
            (Some(held), Some(failed)) if failed / held <= close => break,
            (Some(held), Some(failed)) => (held * failed).sqrt(),
            // It may have been bad luck: without the lowest rate nothing is known.
            (None, Some(_)) if tried.len() == 1 => from,
            (None, Some(_)) => break,
        };
        let one = run(rate).await?;
        match bound.holds_for(&one)? {
            true => {
                held = Some(rate);
                failed = failed.filter(|failed| *failed > rate);
            }
            false => failed = Some(rate),
        }
        tried.push((rate, one));
    }
    let mut best = tried.iter().map(|(_, run)| done(run)).fold(0.0, f64::max);
    let mut rate = failed.map_or(to, |failed| failed.max(from));
    for _ in 0..beyond {
        if rate >= to {
            break;
        }
        rate = (BEYOND * rate).min(to);
        let one = run(rate).await?;
        let is_full = done(&one) < MORE * best;
        best = best.max(done(&one));
        tried.push((rate, one));
        if is_full {
            break;
        }
    }
    // Where rates hold, hardly a journey is broken off: they say how many requests one has.
    let (mut requests, mut journeys) = (0.0, 0.0);
    for (rate, run) in &tried {
        if held.is_none_or(|held| *rate <= held) {
            requests += intended(run);
            journeys += rate;
        }
    }
    let capacity = if requests > 0.0 { best * journeys / requests } else { 0.0 };
    let runs = tried.into_iter().map(|(_, run)| run).collect();
    // What is served well is done, whatever the luck of a short run has made of its journeys.
    let capacity = capacity.max(held.unwrap_or(0.0));
    Ok(Sweep { runs, knee: held, bounded: failed.is_some(), capacity })
}

/// Requests that a server answered as it should, a second.
fn done(run: &Run) -> f64 {
    let finished: u64 = run.operations.values().map(|operation| operation.finished).sum();
    finished as f64 / run.measured_s
}

/// Requests that were meant to start, a second.
fn intended(run: &Run) -> f64 {
    let intended: u64 = run.operations.values().map(|operation| operation.intended).sum();
    intended as f64 / run.measured_s
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use load_report::model::{Ledger, Load, Part};

    use super::*;
    use crate::recorder::{Fate, Recorder, Sample};

    /// What a server that can do `capacity` requests a second looks like: the others wait.
    fn at(rate: f64, capacity: f64) -> anyhow::Result<Run> {
        let mut recorder = Recorder::new(Duration::ZERO..Duration::from_secs(1), Duration::ZERO);
        for number in 0..rate as u64 {
            let millis = match number as f64 {
                many if many >= capacity => 1_500,
                _ if rate > capacity => 900,
                _ => 2,
            };
            let service = Duration::from_millis(millis);
            let fate = Fate::Sent { late: Duration::ZERO, service, failure: None, bytes: 0 };
            let sample = Sample { operation: "GET /", intended: Duration::ZERO, fate };
            recorder.record(&sample);
        }
        let measured = recorder.finish()?;
        Ok(Run {
            part: Part::Sweep,
            shape: String::new(),
            variant: String::new(),
            repeat: 0,
            scenario: String::new(),
            load: Load::Open { rate },
            warm_up_s: 0.0,
            measured_s: 1.0,
            operations: measured.operations,
            timeline: measured.timeline,
            processes: [].into(),
            database: None,
            hop: None,
            prediction: None,
            generator: None,
            ledger: Ledger::default(),
        })
    }

    async fn found(capacity: f64) -> Sweep {
        let run = async |rate| at(rate, capacity);
        sweep(Search::between(10.0, 1_000.0), run).await.expect("a sweep")
    }

    #[tokio::test]
    async fn the_knee_is_found_to_a_twentieth() {
        let found = found(333.0).await;
        let knee = found.knee.expect("a knee");
        assert!(found.bounded && (333.0 / 1.05..=333.0).contains(&knee), "{knee}");
        assert!(found.runs.len() < 16, "{} runs", found.runs.len());
        assert!((330.0..340.0).contains(&found.capacity), "{}", found.capacity);
    }

    #[tokio::test]
    async fn a_lowest_rate_with_bad_luck_is_tried_again() {
        let mut is_first = true;
        let run = async |rate| {
            let capacity = if std::mem::take(&mut is_first) { 1.0 } else { 333.0 };
            at(rate, capacity)
        };
        let found = sweep(Search::between(10.0, 1_000.0), run).await.expect("a sweep");
        let knee = found.knee.expect("a knee");
        assert!((333.0 / 1.05..=333.0).contains(&knee), "{knee}");
    }

    #[tokio::test]
    async fn a_knee_beyond_the_bounds_is_told() {
        let above = found(5_000.0).await;
        assert_eq!((above.knee, above.bounded), (Some(1_000.0), false));
        let below = found(1.0).await;
        assert_eq!((below.knee, below.bounded, below.runs.len()), (None, true, 3));
    }
}
