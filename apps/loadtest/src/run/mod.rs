//! One stretch of load.

mod cores;
mod descriptors;
mod generator;
mod plan;
mod worker;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use load_report::model::{self, Generator, Load};
use tokio::time::MissedTickBehavior;

use crate::{
    alarm::Alarm,
    client::Client,
    ledger::{Entry, Ledger},
    people::{self, People, Roster},
    recorder::{Measured, Recorder, Shard, lock},
    scenario::{Post, Stage},
};
use generator::Meter;
use worker::{Task, Worker};

pub use cores::keep_to;
pub use generator::Moment;
pub use plan::{Label, Plan, Stream};
pub use worker::Ends;

/// Between the preparations and the first arrival.
const BREATH: Duration = Duration::from_millis(100);

/// What was measured, and by what kind of generator.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As reports take it; processes, database and hop are for who started the programs to fill in.
    pub run: model::Run,
    /// What the generator itself did and needed; the run has it too.
    pub generator: Generator,
}

/// Runs `plan`: logs everybody in, reads the books, sends the load, and balances the books.
///
/// `tell` is called when measuring begins and ends, to read meanwhile what the programs need. It
/// does not block.
///
/// `people` keep the sessions that were opened, so that the next run finds them. This process's own
/// limit of open files is raised, where it is too low.
///
/// # Errors
/// The plan cannot be carried out: a scenario does not fit, nobody answers, or a thread cannot be
/// started. Requests that fail while load is sent are figures and no errors.
pub async fn run(
    plan: &Plan,
    people: &mut People,
    tell: impl FnMut(Moment),
) -> anyhow::Result<Outcome> {
    plan.check()?;
    descriptors::allow(plan.most_under_way)?;
    let client = Client::new(&plan.url, plan.patience)?;
    people::open(&client, people, plan.length()).await?;
    let mut roster = Roster::new(people)?;
    people::set_subscribers_aside(&client, &mut roster).await?;
    let roster = Arc::new(roster);
    let stage = Arc::new(set_stage(plan, &client, &roster).await?);
    check_newcomers(plan, &roster)?;

    let fresh = tokio::spawn(people::keep_fresh(client.clone(), Arc::clone(&roster)));
    let driven = drive(plan, &stage, tell).await;
    fresh.abort();
    // What it had under way must not be taken for somebody's last session.
    let _aborted = fresh.await;
    roster.save(people);
    let driven = driven?;

    let ledger = stage.ledger.balance(&client, &roster).await?;
    let mut generator = driven.generator;
    generator.remarks.append(&mut lock(&stage.remarks));
    let Label { part, shape, variant, repeat } = plan.label.clone();
    let run = model::Run {
        part,
        shape,
        variant,
        repeat,
        scenario: plan.name(),
        load: plan.load(),
        warm_up_s: plan.warm_up.as_secs_f64(),
        measured_s: driven.measured_for.as_secs_f64(),
        operations: driven.measured.operations,
        timeline: driven.measured.timeline,
        processes: [].into(),
        database: None,
        hop: None,
        prediction: None,
        generator: Some(generator.clone()),
        ledger,
    };
    Ok(Outcome { run, generator })
}

struct Driven {
    measured: Measured,
    /// Shorter than planned only where all journeys were over before.
    measured_for: Duration,
    generator: Generator,
}

/// Sends the load and records it.
async fn drive(
    plan: &Plan,
    stage: &Arc<Stage>,
    mut tell: impl FnMut(Moment),
) -> anyhow::Result<Driven> {
    let window = plan.warm_up..plan.length();
    let recorder = Arc::new(Mutex::new(Recorder::new(window, plan.patience)));
    let alarm = Alarm::start().context("starting the alarm's thread")?;
    let start = Instant::now() + BREATH;
    let end = start + plan.length();
    let mut shards = Vec::new();
    let mut workers = Vec::new();
    for index in 0..plan.workers {
        let shard = Shard::of(&recorder);
        shards.push(shard.clone());
        let client = Client::new(&plan.url, plan.patience)?;
        let (stage, alarm) = (Arc::clone(stage), alarm.clone());
        let post = Post { stage, client, shard, alarm, start, end };
        let tasks = plan.streams.iter().zip(0..).map(|(stream, number)| Task {
            scenario: Arc::clone(&stream.scenario),
            load: stream.load,
            number,
        });
        let worker = Worker { post, tasks: tasks.collect(), index, plan: plan.pace() };
        workers.push(worker.start()?);
    }

    let mut meter = Meter::new(alarm, start + plan.warm_up, end);
    let mut ends = Ends::default();
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut all = futures_util::future::join_all(workers);
    loop {
        tokio::select! {
            finished = &mut all => {
                for worker in finished {
                    ends.add(worker.context("a worker has died")?);
                }
                break;
            }
            _ = every.tick() => shards.iter().for_each(Shard::hand_on),
            moment = meter.watch() => tell(moment),
        }
    }
    // The last journey begins a little before the end; who is measured goes on until then.
    let early = plan.most_journeys < u64::MAX;
    while !early && meter.is_waiting() {
        tell(meter.watch().await);
    }
    std::iter::from_fn(|| meter.take()).for_each(&mut tell);
    let ended = if early { Instant::now() } else { end };
    shards.iter().for_each(Shard::hand_on);
    drop(shards);
    let recorder = Arc::into_inner(recorder).context("a worker still records")?;
    let recorder = recorder.into_inner().context("a recorder has died")?;
    let mut measured = recorder.finish()?;
    let measured_for = ended.saturating_duration_since(start + plan.warm_up).min(plan.measured);
    measured.timeline.truncate(measured_for.as_secs_f64().ceil() as usize);
    let generator = generator::account(plan, &measured, &meter, ends);
    Ok(Driven { measured, measured_for, generator })
}

async fn set_stage(plan: &Plan, client: &Client, roster: &Arc<Roster>) -> anyhow::Result<Stage> {
    let mut entries: Vec<Entry> =
        plan.streams.iter().flat_map(|stream| stream.scenario.entries()).copied().collect();
    entries.sort_unstable();
    entries.dedup();
    let now = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000;
    let stage = Stage {
        roster: Arc::clone(roster),
        ledger: Ledger::open(client, roster, &entries).await?,
        mark: format!("r{:x}x{now:x}", plan.seed),
        think: plan.think,
        webhook_secret: plan.webhook_secret.clone(),
        client: client.clone(),
        remarks: Mutex::default(),
    };
    for stream in &plan.streams {
        if let Err(why) = stream.scenario.fits(&stage).await {
            bail!(why);
        }
    }
    Ok(stage)
}

/// Rather before than in the middle: a run that runs out of newcomers is not the load it says.
fn check_newcomers(plan: &Plan, roster: &Roster) -> anyhow::Result<()> {
    if plan.while_newcomers_last {
        return Ok(());
    }
    let seconds = plan.length().as_secs_f64();
    let needed = |stream: &Stream| match stream.load {
        Load::Open { rate } => {
            let most = plan.most_journeys as f64;
            let expected = (rate * seconds).min(most) * stream.scenario.newcomers();
            // Four standard deviations of a Poisson distributed number above its mean.
            (expected + 4.0 * expected.sqrt()).ceil().min(most)
        }
        // As many as they come to.
        Load::Closed { .. } => stream.scenario.newcomers().ceil(),
    };
    let needed: f64 = plan.streams.iter().map(needed).sum();
    let there = roster.newcomers().len();
    ensure!(
        there as f64 >= needed,
        "{there} tenants without a subscription are left, and {needed} may be needed: seed anew \
         with `--newcomers {needed}` or more"
    );
    Ok(())
}
