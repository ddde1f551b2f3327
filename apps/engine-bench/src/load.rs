//! Work done over and over by several at once, and what it took.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{task::JoinSet, time::Instant};

/// How many work at once; as many as the pools have connections.
pub(crate) const WORKERS: usize = 16;

/// What a round brought.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Operations a second.
    pub(crate) rate: f64,
    /// Half of the operations took no longer.
    pub(crate) p50: Duration,
}

/// Has [`WORKERS`] do `operation` for `time`. It gets a number that no other call has.
pub(crate) async fn run<F, Work>(time: Duration, operation: F) -> Result<Sample>
where
    F: Fn(usize) -> Work + Send + Sync + 'static,
    Work: Future<Output = Result<()>> + Send,
{
    let operation = Arc::new(operation);
    let begin = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let operation = Arc::clone(&operation);
        workers.spawn(async move {
            let mut took = Vec::new();
            let mut number = worker;
            while begin.elapsed() < time {
                let started = Instant::now();
                operation(number).await?;
                took.push(started.elapsed());
                number += WORKERS;
            }
            anyhow::Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = workers.join_next().await {
        all.extend(took??);
    }
    let rate = all.len() as f64 / begin.elapsed().as_secs_f64();
    Ok(Sample { rate, p50: percentile(&mut all, 0.5) })
}

/// The duration that `share` of `all` do not exceed; nothing where there is none.
pub(crate) fn percentile(all: &mut [Duration], share: f64) -> Duration {
    all.sort_unstable();
    let last = all.len().saturating_sub(1);
    let place = (last as f64 * share).round() as usize;
    all.get(place).copied().unwrap_or_default()
}

/// The middle of `values`.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians_are_of_what_was_seen() {
        let mut all: Vec<_> = (1..=101).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut all, 0.5), Duration::from_millis(51));
        assert_eq!(percentile(&mut all, 0.99), Duration::from_millis(100));
        assert_eq!(percentile(&mut [], 0.99), Duration::ZERO);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }
}
