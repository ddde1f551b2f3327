//! What a journey is, and what it can do.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rand::{SeedableRng as _, rngs::Xoshiro256PlusPlus};

use crate::{
    alarm::Alarm,
    arrivals::exponential,
    client::{Answer, Client, Failure, Request},
    ledger::{Doubt, Entry, Ledger},
    people::{Actor, Roster},
    recorder::{Fate, Sample, Shard, lock},
};

/// What a journey chooses by: its own, from the run's seed and its number.
pub type Dice = Xoshiro256PlusPlus;

/// Something that people do, step by step. One file each in `scenarios/`, and a line in
/// [`scenarios::all`](crate::scenarios::all).
#[async_trait]
pub trait Scenario: Send + Sync {
    /// Lower-case words with hyphens; what `--scenario` takes.
    fn name(&self) -> &'static str;

    /// A sentence for the list.
    fn about(&self) -> &'static str;

    /// The first request of the journey that is begun with `dice`: what is recorded as dropped
    /// where the journey cannot begin.
    fn opening(&self, dice: Dice) -> &'static str;

    /// What it changes, to be compared afterwards.
    fn entries(&self) -> &'static [Entry];

    /// How many tenants without a subscription a journey uses up, on average.
    fn newcomers(&self) -> f64 {
        0.0
    }

    /// Whether it can be run on `stage`.
    ///
    /// # Errors
    /// It cannot; the sentence says why.
    async fn fits(&self, stage: &Stage) -> Result<(), String> {
        match stage.roster.paying() {
            [] => Err(format!("{} needs tenants that pay, and there are none", self.name())),
            _ => Ok(()),
        }
    }

    /// One journey, from its first request to its last.
    ///
    /// # Errors
    /// It ended before its time. A request that failed is recorded already.
    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended>;
}

/// Why a journey ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A request was not answered as it should be.
    Failed(Failure),
    /// The run is over.
    Over,
    /// There is nobody left to be, or an answer lacked what the next step needs: what.
    Stuck(&'static str),
}

/// What all journeys of a run share.
#[derive(Debug)]
pub struct Stage {
    /// Who acts.
    pub roster: Arc<Roster>,
    /// What they were told.
    pub ledger: Ledger,
    /// In every name that a run makes up: no other run has it.
    pub mark: String,
    /// How long people think between two steps, on average.
    pub think: Duration,
    /// What the payment provider's webhooks are signed with, where there are any.
    pub webhook_secret: Option<String>,
    /// For what is asked before the run; nothing of it is measured.
    pub client: Client,
    pub(crate) remarks: Mutex<Vec<String>>,
}

impl Stage {
    /// Something that who reads the figures must know; once is enough.
    pub fn remark(&self, sentence: impl Into<String>) {
        let (sentence, mut remarks) = (sentence.into(), lock(&self.remarks));
        if !remarks.contains(&sentence) {
            remarks.push(sentence);
        }
    }
}

/// What one worker's journeys have in common.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: Client,
    pub(crate) shard: Shard,
    pub(crate) alarm: Alarm,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

/// A journey under way.
#[derive(Debug)]
pub struct Visit {
    /// What it chooses by.
    pub dice: Dice,
    post: Post,
    name: String,
    due: Instant,
}

impl Visit {
    /// A journey of `stream` that is meant to begin at `due`.
    pub(crate) fn new(post: Post, dice: Dice, name: String, due: Instant) -> Self {
        Self { dice, post, name, due }
    }

    /// What all journeys share.
    #[must_use]
    pub fn stage(&self) -> &Arc<Stage> {
        &self.post.stage
    }

    /// A name that no other journey of any run has: letters, digits and hyphens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends `request` and records what becomes of it. Its latency counts from when it was meant to
    /// start: the journey's arrival, or the end of the answer before and the time to think.
    ///
    /// # Errors
    /// It was not answered as it should be, or the run is over.
    pub async fn send(&mut self, request: Request) -> Result<Answer, Ended> {
        if self.due >= self.post.end {
            return Err(Ended::Over);
        }
        let sent = Instant::now();
        let exchange = self.post.client.send(&request).await;
        let ended = Instant::now();
        let fate = Fate::Sent {
            late: sent.saturating_duration_since(self.due),
            service: ended.saturating_duration_since(sent),
            failure: exchange.outcome.as_ref().err().copied(),
            bytes: exchange.bytes,
        };
        let intended = self.due.saturating_duration_since(self.post.start);
        self.post.shard.record(Sample { operation: request.operation, intended, fate });
        self.due = ended;
        exchange.outcome.map_err(Ended::Failed)
    }

    /// As [`Visit::send`], and notes in the ledger that `worth` of `entry` was done for `who`, or
    /// that nobody knows. `request` has an idempotency key.
    ///
    /// # Errors
    /// As [`Visit::send`].
    pub async fn change(
        &mut self,
        request: Request,
        who: &Actor,
        entry: Entry,
        worth: u64,
    ) -> Result<Answer, Ended> {
        let (again, tenant) = (request.clone(), who.tenant);
        let answer = self.send(request).await;
        let ledger = &self.post.stage.ledger;
        match &answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                ledger.told(entry, tenant, worth);
            }
            Err(Ended::Failed(failure)) if failure.leaves_in_doubt() => {
                ledger.doubt(Doubt { entry, tenant, worth, request: again });
            }
            _ => {}
        }
        answer
    }

    /// Time passes between two steps: exponentially distributed, five times the mean at the most.
    ///
    /// # Errors
    /// The run is over before.
    pub async fn think(&mut self) -> Result<(), Ended> {
        let times = exponential(&mut self.dice).min(5.0);
        self.due += self.post.stage.think.mul_f64(times);
        if self.due >= self.post.end {
            return Err(Ended::Over);
        }
        if self.due > Instant::now() {
            self.post.alarm.until(self.due).await;
        }
        Ok(())
    }

    /// The token of the newest mail to `email`. Looking for it is not measured, as there is no such
    /// request in real life, and the next step is meant to start once it is there.
    ///
    /// # Errors
    /// There is none, or the run is over before it comes.
    pub async fn mailed_token(&mut self, email: &str) -> Result<String, Ended> {
        let looking = crate::people::token_from_mail(&self.post.client, email);
        let found = tokio::time::timeout_at(self.post.end.into(), looking).await;
        self.due = Instant::now();
        found.map_err(|_| Ended::Over)?.map_err(|_| Ended::Stuck("no mail came"))
    }
}

/// The dice of the journey with this `number`.
pub(crate) fn dice(seed: u64, number: u64) -> Dice {
    // An odd constant spreads neighbouring numbers over all seeds.
    Dice::seed_from_u64(seed ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
