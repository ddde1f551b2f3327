//! A thread that begins journeys and carries them on.

use std::{collections::BTreeMap, sync::Arc, thread, time::Instant};

use anyhow::Context as _;
use load_report::model::Load;
use tokio::{runtime::Builder, sync::oneshot, task::JoinSet};

use super::plan::Pace;
use crate::{
    arrivals::Arrivals,
    recorder::{Fate, Sample},
    scenario::{Ended, Post, Scenario, Visit, dice},
};

/// Has a runtime and connections of its own, so that nothing is shared between workers.
pub(super) struct Worker {
    pub(super) post: Post,
    pub(super) tasks: Vec<Task>,
    pub(super) index: usize,
    pub(super) plan: Pace,
}

/// One stream's share of a worker.
pub(super) struct Task {
    pub(super) scenario: Arc<dyn Scenario>,
    pub(super) load: Load,
    /// Which of the streams it is.
    pub(super) number: u64,
}

/// How journeys ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// All that were begun, warm-up included.
    pub begun: u64,
    /// Those that came to their end.
    pub complete: u64,
    /// Those that the end of the run cut short.
    pub over: u64,
    /// Those that ended at a request that failed.
    pub failed: u64,
    /// Those that could not go on, by what was missing.
    pub stuck: BTreeMap<&'static str, u64>,
    /// The most that were under way at once.
    pub most_under_way: usize,
}

impl Ends {
    fn count(&mut self, ended: Result<(), Ended>) {
        match ended {
            Ok(()) => self.complete += 1,
            Err(Ended::Over) => self.over += 1,
            Err(Ended::Failed(_)) => self.failed += 1,
            Err(Ended::Stuck(what)) => *self.stuck.entry(what).or_default() += 1,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.begun += other.begun;
        self.complete += other.complete;
        self.over += other.over;
        self.failed += other.failed;
        // Workers' peaks need not be at one time: an upper bound.
        self.most_under_way += other.most_under_way;
        for (what, count) in other.stuck {
            *self.stuck.entry(what).or_default() += count;
        }
    }
}

impl Worker {
    /// Tells when all its journeys have ended.
    pub(super) fn start(self) -> anyhow::Result<oneshot::Receiver<Ends>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (done, ended) = oneshot::channel();
        thread::Builder::new()
            .name(format!("worker-{}", self.index))
            .spawn(move || {
                let ends = runtime.block_on(self.work());
                drop(runtime);
                // Nobody waits any longer where the run was given up.
                let _given_up = done.send(ends);
            })
            .context("starting a worker's thread")?;
        Ok(ended)
    }

    async fn work(self) -> Ends {
        let Self { post, tasks, index, plan } = self;
        let streams = tasks.into_iter().map(|task| {
            let share = Share { post: post.clone(), index, plan, task };
            async move {
                match share.task.load {
                    Load::Open { rate } => share.open(rate).await,
                    Load::Closed { people } => share.closed(people).await,
                }
            }
        });
        let mut all = Ends::default();
        futures_util::future::join_all(streams).await.into_iter().for_each(|ends| all.add(ends));
        all
    }
}

struct Share {
    post: Post,
    index: usize,
    plan: Pace,
    task: Task,
}

impl Share {
    /// Every journey at its time, whatever has become of the others.
    async fn open(self, rate: f64) -> Ends {
        let Self { post, index, plan, task } = self;
        let mut journeys = JoinSet::new();
        let mut ends = Ends::default();
        // All workers have the same schedule and take turns, so that it does not depend on how
        // many they are.
        let seed = dice_seed(plan.seed, task.number);
        let length = post.end.saturating_duration_since(post.start);
        let turns = Arrivals::new(rate, plan.spacing, seed)
            .take_while(move |it| it.at < length && it.number < plan.most_journeys)
            .skip(index)
            .step_by(plan.workers);
        let mut turns = post.alarm.arrivals(post.start, turns);
        while let Some(arrival) = turns.recv().await {
            while let Some(Ok(ended)) = journeys.try_join_next() {
                ends.count(ended);
            }
            let dice = dice(seed, arrival.number);
            if journeys.len() >= plan.most_under_way {
                let operation = task.scenario.opening(dice);
                let sample = Sample { operation, intended: arrival.at, fate: Fate::Dropped };
                post.shard.record(sample);
                continue;
            }
            let name = format!("{}-{}-{}", post.stage.mark, task.number, arrival.number);
            let visit = Visit::new(post.clone(), dice, name, post.start + arrival.at);
            journeys.spawn(travel(Arc::clone(&task.scenario), visit));
            ends.begun += 1;
            ends.most_under_way = ends.most_under_way.max(journeys.len());
        }
        while let Some(Ok(ended)) = journeys.join_next().await {
            ends.count(ended);
        }
        ends
    }

    /// So many people, each of whom waits for answers, thinks, and begins again.
    async fn closed(self, people: u32) -> Ends {
        let Self { post, index, plan, task } = self;
        let seed = dice_seed(plan.seed, task.number);
        let mine = (0..u64::from(people)).skip(index).step_by(plan.workers);
        let mut busy = JoinSet::new();
        for person in mine {
            let (post, scenario) = (post.clone(), Arc::clone(&task.scenario));
            let stream = task.number;
            busy.spawn(async move {
                let mut ends = Ends { most_under_way: 1, ..Ends::default() };
                post.alarm.until(post.start).await;
                for round in 0_u64.. {
                    let dice = dice(seed ^ person.rotate_left(40), round);
                    let name = format!("{}-{stream}-{person}-{round}", post.stage.mark);
                    let mut visit = Visit::new(post.clone(), dice, name, Instant::now());
                    // At first too, so that not all begin at once.
                    if visit.think().await.is_err() {
                        break;
                    }
                    ends.begun += 1;
                    ends.count(scenario.journey(&mut visit).await);
                }
                ends
            });
        }
        let mut all = Ends::default();
        while let Some(Ok(ends)) = busy.join_next().await {
            all.add(ends);
        }
        all
    }
}

async fn travel(scenario: Arc<dyn Scenario>, mut visit: Visit) -> Result<(), Ended> {
    scenario.journey(&mut visit).await
}

/// Streams of one run differ in their arrivals.
const fn dice_seed(seed: u64, stream: u64) -> u64 {
    seed.wrapping_add(stream.rotate_left(48))
}
