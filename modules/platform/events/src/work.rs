//! What an engine has in hand.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use storage::{StoreError, is_fault};
use telemetry::errors::{self, Panic, Site, caught, unexpected_at};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::field;

/// A job. There is one of each at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Job {
    /// Sends what is due for a destination.
    Destination(String),
    /// Handles what waits under an ordering key of a consumer.
    Key {
        /// The consumer's name.
        consumer: &'static str,
        /// The key.
        key: String,
    },
    /// Deletes what has had its time.
    Sweep,
    /// Sees what waits.
    Watch,
}

impl Job {
    /// What a fault in it is a fault of.
    const fn name(&self) -> &'static str {
        match self {
            Self::Destination(_) => "send events",
            Self::Key { .. } => "handle events",
            Self::Sweep => "sweep events",
            Self::Watch => "watch events",
        }
    }
}

/// The jobs that are under way.
pub(crate) struct Work {
    module: &'static str,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), Failure>>,
    jobs: HashMap<Id, Job>,
    under_way: HashSet<Job>,
    /// What was to be started while it was under way.
    wanted: HashSet<Job>,
    keys: HashMap<&'static str, usize>,
}

impl Work {
    /// No jobs of `module` yet; those to come are to end early once `stop` is cancelled.
    pub(crate) fn of(module: &'static str, stop: CancellationToken) -> Self {
        Self {
            module,
            stop,
            tasks: JoinSet::new(),
            jobs: HashMap::new(),
            under_way: HashSet::new(),
            wanted: HashSet::new(),
            keys: HashMap::new(),
        }
    }

    /// What tells a job to end early.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts `job`, unless it is under way: then it is noted that somebody wanted it.
    pub(crate) fn start(
        &mut self,
        job: Job,
        task: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) {
        if !self.under_way.insert(job.clone()) {
            self.wanted.insert(job);
            return;
        }
        let site = Site { module: self.module, work: errors::Work::Job(job.name()) };
        let task = async move { Ok(caught(site, task).await??) };
        if let Job::Key { consumer, .. } = job {
            *self.keys.entry(consumer).or_default() += 1;
        }
        let id = self.tasks.spawn(task).id();
        self.jobs.insert(id, job);
    }

    /// The destinations that are being sent to. It is noted that somebody wanted to send more there.
    pub(crate) fn destinations_wanted_again(&mut self) -> BTreeSet<String> {
        let mut destinations = BTreeSet::new();
        for job in &self.under_way {
            if let Job::Destination(destination) = job {
                destinations.insert(destination.clone());
                self.wanted.insert(job.clone());
            }
        }
        destinations
    }

    /// How many keys of `consumer` are in hand.
    pub(crate) fn keys_of(&self, consumer: &str) -> usize {
        self.keys.get(consumer).copied().unwrap_or_default()
    }

    /// The jobs that have come to an end and may have left something to do; waits for the first,
    /// for ever while there is none. One that failed is left out: its work is found again at the
    /// next tick, and not at once. So is a destination that nobody wanted to send to meanwhile:
    /// what it left is not due yet, and to look for it at once would go round and round.
    pub(crate) async fn some_done(&mut self) -> Vec<Job> {
        loop {
            let Some(first) = self.tasks.join_next_with_id().await else {
                return std::future::pending().await;
            };
            let mut done = Vec::from_iter(self.settle(first));
            while let Some(another) = self.tasks.try_join_next_with_id() {
                done.extend(self.settle(another));
            }
            if !done.is_empty() {
                return done;
            }
        }
    }

    /// Waits for all jobs, and cuts off those that are not done within `bound`.
    pub(crate) async fn finish(mut self, bound: Duration) {
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.settle(ended);
            }
        };
        if tokio::time::timeout(bound, all).await.is_err() {
            tracing::warn!(jobs = self.tasks.len(), "jobs were cut off, to be done again later");
            self.tasks.shutdown().await;
        }
    }

    fn settle(&mut self, ended: Result<(Id, Result<(), Failure>), JoinError>) -> Option<Job> {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Err(Failure::Task(error))),
        };
        let job = self.jobs.remove(&id)?;
        self.under_way.remove(&job);
        let was_wanted = self.wanted.remove(&job);
        if let Job::Key { consumer, .. } = job
            && let Some(keys) = self.keys.get_mut(consumer)
        {
            *keys -= 1;
        }
        if let Err(failure) = outcome {
            let fault = is_fault(&failure)
                .then(|| unexpected_at(self.module, job.name(), &failure))
                .map(field::display);
            tracing::warn!(
                ?job,
                error = &failure as &dyn std::error::Error,
                error.fingerprint = fault,
                "a job failed"
            );
            return None;
        }
        let is_all = matches!(job, Job::Destination(_)) && !was_wanted;
        (!is_all).then_some(job)
    }
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the job broke off")]
    Panicked(#[from] Panic),
    #[error("the task ended early")]
    Task(#[source] JoinError),
}
