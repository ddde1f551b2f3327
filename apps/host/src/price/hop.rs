//! What a hop costs on this machine: the command `hop`, and the process that runs it for a program
//! that wants to know.

use std::{error::Error, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use seam::price::{Cost, HopFigures};
use tokio::{
    process::Command,
    sync::Mutex,
    time::{Instant, timeout},
};

use super::lab::{Asked, Lab};
use crate::telemetry;

/// The command of every program that measures.
pub(crate) const COMMAND: &str = "hop";
/// In how many rounds each kind of request is made. Every round makes all kinds, so that what slows
/// the machine for a while slows them all.
const ROUNDS: usize = 60;
/// How many of a kind a round makes.
const EACH: usize = 8;
/// How long nothing is asked between two requests: a program is not asked without a pause either,
/// and what the machine does beside is met at many moments.
const PAUSE: Duration = Duration::from_millis(1);
/// How long a measurement may take. It takes some three seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// For how long its result is taken for true.
const FRESH: Duration = Duration::from_secs(600);
/// For how long it is not tried again where it failed: it takes processors from those whom the program
/// serves, whoever asks.
const FAILED: Duration = Duration::from_secs(60);

/// What was measured of one kind.
#[derive(Default)]
struct Measured {
    /// Microseconds, each.
    took: Vec<f64>,
    /// Microseconds, together.
    cpu: f64,
}

/// Measures, in a process that does nothing else.
///
/// # Errors
/// A listener or a client that cannot be set up; a request that fails.
pub(crate) fn measure() -> anyhow::Result<HopFigures> {
    // Lines are written as a program writes them, and go nowhere.
    telemetry::start_silently();
    let programs = runtime(tokio::runtime::Builder::new_multi_thread().worker_threads(2))?;
    let lab = programs.block_on(async { Lab::open(programs.handle()) })?;
    // A request is made from a web worker, which has a runtime of its own.
    let worker = runtime(&mut tokio::runtime::Builder::new_current_thread())?;
    worker.block_on(make_all(&lab))
}

fn runtime(builder: &mut tokio::runtime::Builder) -> std::io::Result<tokio::runtime::Runtime> {
    builder.enable_all().build()
}

async fn make_all(lab: &Lab) -> anyhow::Result<HopFigures> {
    for asked in Asked::ALL {
        make(lab, asked, &mut Measured::default()).await?;
    }
    let mut measured = Asked::ALL.map(|_| Measured::default());
    for _ in 0..ROUNDS {
        for (asked, measured) in Asked::ALL.into_iter().zip(&mut measured) {
            make(lab, asked, measured).await?;
        }
    }
    let [nothing, call, owner, passed_on] = measured.map(Measured::cost);
    // What the measuring itself takes is in the processor time of all, and in the durations of none.
    let idle = Cost { cpu_us: nothing.cpu_us, ..Cost::default() };
    let made = ROUNDS * EACH;
    Ok(HopFigures { made, call: beyond(call, idle), request: beyond(passed_on, owner) })
}

/// What `more` costs beyond `less`. The 99th percentile of some hundred is where the machine stumbled, and
/// that may have been in `less` alone: what is added to a slow one is at least what is added to half of
/// them.
fn beyond(more: Cost, less: Cost) -> Cost {
    let p50_us = (more.p50_us - less.p50_us).max(0.0);
    Cost {
        mean_us: (more.mean_us - less.mean_us).max(0.0),
        p50_us,
        p99_us: (more.p99_us - less.p99_us).max(p50_us),
        cpu_us: (more.cpu_us - less.cpu_us).max(0.0),
    }
}

async fn make(lab: &Lab, asked: Asked, measured: &mut Measured) -> anyhow::Result<()> {
    let before = processor_time();
    for _ in 0..EACH {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        lab.ask(asked).await?;
        measured.took.push(micros(begun.elapsed()));
    }
    measured.cpu += micros(processor_time().saturating_sub(before));
    Ok(())
}

impl Measured {
    fn cost(mut self) -> Cost {
        self.took.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let rank = (share * self.took.len() as f64).ceil() as usize;
            self.took.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        let count = self.took.len().max(1) as f64;
        Cost {
            mean_us: self.took.iter().sum::<f64>() / count,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            cpu_us: self.cpu / count,
        }
    }
}

/// Of all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Has a process of the same program measure, and remembers what it found for ten minutes.
#[derive(Default)]
pub(crate) struct Hops(Mutex<Option<Tried>>);

/// A measurement that ended.
struct Tried {
    at: Instant,
    found: Result<HopFigures, Failed>,
}

/// It is not known what a hop costs.
#[derive(Clone, Debug, thiserror::Error)]
#[error("what a hop costs could not be measured")]
pub(crate) struct Failed(#[source] Arc<dyn Error + Send + Sync>);

impl Hops {
    /// What a hop costs. Whoever asks meanwhile waits for the same answer.
    ///
    /// # Errors
    /// The program cannot start itself, or is not done within a minute; it is tried again a minute
    /// later at the earliest.
    pub(crate) async fn figures(&self) -> Result<HopFigures, Failed> {
        let measured = async {
            let program = std::env::current_exe()?;
            timeout(PATIENCE, measured_by(program)).await.context("it took more than a minute")?
        };
        self.remembered(measured).await
    }

    async fn remembered(
        &self,
        measured: impl Future<Output = anyhow::Result<HopFigures>>,
    ) -> Result<HopFigures, Failed> {
        let mut last = self.0.lock().await;
        let known = last
            .as_ref()
            .filter(|tried| tried.at.elapsed() < if tried.found.is_ok() { FRESH } else { FAILED });
        if let Some(tried) = known {
            return tried.found.clone();
        }
        let found = measured.await.map_err(|error| Failed(Arc::from(error.into_boxed_dyn_error())));
        *last = Some(Tried { at: Instant::now(), found: found.clone() });
        found
    }
}

async fn measured_by(program: PathBuf) -> anyhow::Result<HopFigures> {
    let ended = Command::new(&program)
        .arg(COMMAND)
        // What it needs to know it has been told; it has no business with our secrets.
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    anyhow::ensure!(ended.status.success(), "`{COMMAND}` failed: {}", said.trim());
    serde_json::from_slice(&ended.stdout).context("what `hop` printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processor time is that of the whole process: it needs one of its own, as the team's runner gives
    /// each test, or it counts what others do beside as well.
    #[test]
    fn a_hop_is_measured() {
        let figures = measure().expect("figures");
        assert_eq!(figures.made, ROUNDS * EACH);
        // Neither is free, and neither can take a second, on whatever machine.
        for (cost, name) in [(figures.call, "a call"), (figures.request, "a request")] {
            assert!((1.0..1e6).contains(&cost.p50_us), "{name}: {cost:?}");
            assert!((1.0..1e6).contains(&cost.cpu_us), "{name}: {cost:?}");
        }
    }

    #[test]
    fn a_slow_hop_costs_no_less_than_one_of_half_of_them() {
        let cost = |p50_us, p99_us| Cost { p50_us, p99_us, ..Cost::default() };
        assert_eq!(beyond(cost(300.0, 900.0), cost(100.0, 400.0)), cost(200.0, 500.0));
        assert_eq!(beyond(cost(300.0, 900.0), cost(100.0, 2_000.0)), cost(200.0, 200.0));
        assert_eq!(beyond(cost(90.0, 100.0), cost(100.0, 2_000.0)), cost(0.0, 0.0));
    }

    fn figures(made: usize) -> HopFigures {
        HopFigures { made, call: Cost::default(), request: Cost::default() }
    }

    async fn tried(hops: &Hops, found: anyhow::Result<HopFigures>) -> Option<usize> {
        hops.remembered(async { found }).await.map(|figures| figures.made).ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_measured_is_true_for_a_while() {
        let hops = Hops::default();
        assert_eq!(tried(&hops, Ok(figures(1))).await, Some(1));
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(tried(&hops, Ok(figures(2))).await, Some(1));
        tokio::time::advance(FRESH).await;
        assert_eq!(tried(&hops, Ok(figures(3))).await, Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_not_tried_again_at_once() {
        let hops = Hops::default();
        assert_eq!(tried(&hops, Err(anyhow::anyhow!("no program"))).await, None);
        tokio::time::advance(FAILED / 2).await;
        assert_eq!(tried(&hops, Ok(figures(2))).await, None);
        tokio::time::advance(FAILED).await;
        assert_eq!(tried(&hops, Ok(figures(3))).await, Some(3));
    }

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let took = (1..=200).rev().map(f64::from).collect();
        let cost = Measured { took, cpu: 400.0 }.cost();
        assert_eq!(cost, Cost { mean_us: 100.5, p50_us: 100.0, p99_us: 198.0, cpu_us: 2.0 });
    }
}
