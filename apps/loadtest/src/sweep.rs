//! Raises the rate until it no longer holds, and finds the knee.

use anyhow::ensure;
use load_report::model::Run;

use crate::recorder;

/// How far the knee may lie from where it is said to be: a twentieth.
const CLOSE: f64 = 1.05;

/// What a rate must do to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Holds {
    /// Of all requests that were meant to start, how many were answered as they should be.
    pub done: f64,
    /// Microseconds that 99 of a hundred of those were answered in, over all operations.
    pub p99: u64,
}

impl Default for Holds {
    fn default() -> Self {
        Self { done: 0.99, p99: 250_000 }
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
}

impl Holds {
    /// Whether `run` held its rate.
    ///
    /// # Errors
    /// It has a histogram that is none.
    pub fn by(&self, run: &Run) -> anyhow::Result<bool> {
        let (mut intended, mut done, mut slow) = (0, 0, 0);
        for operation in run.operations.values() {
            intended += operation.intended;
            done += operation.done;
            let latency = recorder::decode(&operation.latency)?;
            slow += latency.len() - latency.count_between(0, self.p99);
        }
        let answered = done as f64 >= self.done * intended as f64;
        Ok(intended > 0 && answered && slow as f64 <= 0.01 * done as f64)
    }
}

/// Doubles the rate from `from` until it does not hold or `to` is reached, then halves the ground
/// between the highest that held and the lowest that did not, until they are within a twentieth.
/// `run` is asked for one run at a rate.
///
/// # Errors
/// Those of `run`; bounds of which the lower is not above zero and below the upper.
pub async fn sweep(
    from: f64,
    to: f64,
    holds: Holds,
    mut run: impl AsyncFnMut(f64) -> anyhow::Result<Run>,
) -> anyhow::Result<Sweep> {
    ensure!(0.0 < from && from < to, "a sweep goes from a rate to a higher one");
    let mut runs = Vec::new();
    let mut held: Option<f64> = None;
    let mut failed: Option<f64> = None;
    loop {
        let rate = match (held, failed) {
            (None, None) => from,
            (Some(held), None) if held >= to => break,
            (Some(held), None) => (2.0 * held).min(to),
            (Some(held), Some(failed)) if failed / held <= CLOSE => break,
            (Some(held), Some(failed)) => (held * failed).sqrt(),
            (None, Some(_)) => break,
        };
        let one = run(rate).await?;
        match holds.by(&one)? {
            true => held = Some(rate),
            false => failed = Some(rate),
        }
        runs.push(one);
    }
    Ok(Sweep { runs, knee: held, bounded: failed.is_some() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use load_report::model::{Ledger, Load, Part};

    use super::*;
    use crate::recorder::{Fate, Recorder, Sample};

    /// What a server that can do `capacity` requests a second looks like.
    fn at(rate: f64, capacity: f64) -> anyhow::Result<Run> {
        let mut recorder = Recorder::new(Duration::ZERO..Duration::from_secs(1), Duration::ZERO);
        let service = Duration::from_millis(if rate > capacity { 900 } else { 2 });
        let fate = Fate::Sent { late: Duration::ZERO, service, failure: None, bytes: 0 };
        let sample = Sample { operation: "GET /", intended: Duration::ZERO, fate };
        (0..100).for_each(|_| recorder.record(&sample));
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
            ledger: Ledger::default(),
        })
    }

    async fn found(capacity: f64) -> Sweep {
        let run = async |rate| at(rate, capacity);
        sweep(10.0, 1_000.0, Holds::default(), run).await.expect("a sweep")
    }

    #[tokio::test]
    async fn the_knee_is_found_to_a_twentieth() {
        let found = found(333.0).await;
        let knee = found.knee.expect("a knee");
        assert!(found.bounded && (333.0 / CLOSE..=333.0).contains(&knee), "{knee}");
        assert!(found.runs.len() < 15, "{} runs", found.runs.len());
    }

    #[tokio::test]
    async fn a_knee_beyond_the_bounds_is_told() {
        let above = found(5_000.0).await;
        assert_eq!((above.knee, above.bounded), (Some(1_000.0), false));
        let below = found(1.0).await;
        assert_eq!((below.knee, below.bounded, below.runs.len()), (None, true, 1));
    }
}
