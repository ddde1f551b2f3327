//! The engine of one module.

use std::{collections::BTreeSet, sync::Arc};

use seam::{EventBus, EventInbox, Port, Slot};
use storage::{Store, StoreError};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Backlog, Consumer, DeadLetters, EngineSettings, backlog,
    inbox::Inbox,
    look::{Look, Outbox},
    metrics::{self, Watched},
    relay::Relay,
    schedule, sweep,
    work::{Job, Work},
};

/// Brings a module's events out and in. Build one for each store and [run](EventEngine::run) it.
pub struct EventEngine {
    pub(crate) store: Store,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) settings: EngineSettings,
    wake: Arc<Notify>,
    watched: Arc<Watched>,
}

impl EventEngine {
    /// An engine that is not running yet; its [inbox](EventEngine::inbox) takes events already.
    ///
    /// # Panics
    /// Where two consumers have the same name: the inbox could not tell what each has handled.
    #[must_use]
    pub fn new(
        store: Store,
        mut consumers: Vec<Consumer>,
        bus: Arc<dyn EventBus>,
        settings: EngineSettings,
    ) -> Arc<Self> {
        consumers.push(Consumer::unrouted());
        for (position, consumer) in consumers.iter().enumerate() {
            let before = &consumers[..position];
            let name = consumer.name;
            assert!(before.iter().all(|other| other.name != name), "two consumers named `{name}`");
        }
        consumers.iter().for_each(metrics::begin);
        // What was scheduled a module sends to itself.
        let own = store.module();
        let destinations = store.destinations().into_iter().chain([own.to_owned()]);
        destinations.for_each(|destination| metrics::begin_sending(own, &destination));
        let wake = Arc::new(Notify::new());
        let inbox = Arc::new(Inbox {
            store: store.clone(),
            consumers,
            settings: settings.clone(),
            wake: Arc::clone(&wake),
        });
        let slot = Slot::filled(Arc::clone(&inbox) as Arc<dyn EventInbox>);
        let own = <dyn EventInbox as Port>::direct(slot);
        let relay = Arc::new(Relay::new(store.clone(), bus, own, settings.clone()));
        Arc::new(Self { store, inbox, relay, settings, wake, watched: Arc::default() })
    }

    /// Where others bring events to. Serve it as the module's [`EventInbox`].
    #[must_use]
    pub fn inbox(&self) -> Arc<dyn EventInbox> {
        Arc::clone(&self.inbox) as Arc<dyn EventInbox>
    }

    /// What could not be handled.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        let consumers = self.inbox.consumers.iter().map(|consumer| consumer.name);
        DeadLetters::new(self.store.clone(), consumers, Arc::clone(&self.wake))
    }

    /// What is still to be done.
    ///
    /// # Errors
    /// The store's.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        backlog::read(&self.store, &self.relay).await
    }

    /// Deletes what has had its time; [`EventEngine::run`] does it every so often. Says how many
    /// rows were deleted.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        sweep::sweep(&self.store, &self.settings.retention).await
    }

    /// Works until `stop` is cancelled, finishes what is in hand, and returns: at the latest after
    /// [`EngineSettings::drain`], when it cuts off what is left, to be done again later.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if let Err(error) = self.inherit().await {
            tracing::warn!(
                service.name = self.store.module(),
                error = &error as &dyn std::error::Error,
                "what a former process had in hand is left until its leases end"
            );
        }
        let mut work = Work::of(self.store.module(), stop.clone());
        let mut ticks = interval(self.settings.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Not at once: a program that starts has better things to do.
        let mut next_sweep = Instant::now() + self.settings.sweep_every.min(FIRST_SWEEP);
        let mut next_watch = Instant::now();
        self.watched.tell(self.store.module());
        let mut look = Look::everywhere();
        while !stop.is_cancelled() {
            self.hand_out(look, &mut work).await;
            look = tokio::select! {
                () = stop.cancelled() => break,
                news = self.store.news() => Look::at(news),
                () = self.wake.notified() => Look::at_the_inbox(),
                // What came while the job was about to end was not handed out again.
                done = work.some_done() => Look::after(done),
                _ = ticks.tick() => {
                    if Instant::now() >= next_sweep {
                        next_sweep = Instant::now() + self.settings.sweep_every;
                        work.start(Job::Sweep, Arc::clone(&self).sweep_up());
                    }
                    if Instant::now() >= next_watch {
                        next_watch = Instant::now() + self.settings.watch_every;
                        work.start(Job::Watch, Arc::clone(&self).watch());
                    }
                    Look::everywhere()
                }
            };
        }
        work.finish(self.settings.drain).await;
        if let Err(error) = self.relay.release_lanes().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "leases were not given back");
        }
    }

    /// Does all that is due, one thing after the other, until nothing is; says how much that was.
    /// What waits for another attempt is not waited for. For tests, which move the clock
    /// themselves; do not [run](EventEngine::run) the engine beside it.
    ///
    /// # Errors
    /// The store's.
    pub async fn run_until_idle(&self) -> Result<usize, StoreError> {
        let unstopped = CancellationToken::new();
        let mut done = 0;
        loop {
            let promoted = schedule::promote_due(&self.store).await?;
            let mut now = usize::try_from(promoted).unwrap_or(usize::MAX);
            let due = self.relay.due_destinations(&BTreeSet::new()).await?;
            for destination in due.into_iter().filter(|to| self.relay.may_try(to)) {
                now += self.relay.send_all(&destination, &unstopped).await?;
            }
            for consumer in &self.inbox.consumers {
                for head in self.inbox.due_heads(consumer, u64::from(u32::MAX)).await? {
                    now += self.inbox.work_off(consumer, head, &unstopped).await?;
                }
            }
            if now == 0 {
                return Ok(done);
            }
            done += now;
        }
    }

    /// Takes over from a process that died. Where there may be others at work, the end of its
    /// leases is waited for instead.
    async fn inherit(&self) -> Result<(), StoreError> {
        if self.store.is_exclusive() {
            self.relay.inherit_lanes().await?;
            self.inbox.inherit_claims().await?;
        }
        Ok(())
    }

    /// Starts a job for all that is due and not in hand. What cannot be seen in one place keeps
    /// nobody from looking in the others; it is looked for again at the next tick.
    async fn hand_out(&self, look: Look, work: &mut Work) {
        if look.schedule {
            // Its commit brings the news of what is in the outbox now.
            self.or_nothing(schedule::promote_due(&self.store).await);
        }
        match look.outbox {
            Outbox::Anywhere => self.or_nothing(self.look_for_destinations(work).await),
            Outbox::To(destinations) => self.hand_out_destinations(destinations, work),
        }
        if look.inbox {
            self.or_nothing(self.hand_out_consumers(work).await);
        }
    }

    fn or_nothing<T: Default>(&self, seen: Result<T, StoreError>) -> T {
        seen.unwrap_or_else(|error| {
            tracing::warn!(
                service.name = self.store.module(),
                error = &error as &dyn std::error::Error,
                "the engine cannot see what is due"
            );
            T::default()
        })
    }

    async fn look_for_destinations(&self, work: &mut Work) -> Result<(), StoreError> {
        let in_hand = work.destinations_wanted_again();
        let due = self.relay.due_destinations(&in_hand).await?;
        self.hand_out_destinations(due, work);
        Ok(())
    }

    fn hand_out_destinations(&self, due: impl IntoIterator<Item = String>, work: &mut Work) {
        for destination in due.into_iter().filter(|to| self.relay.may_try(to)) {
            let job = Job::Destination(destination.clone());
            let relay = Arc::clone(&self.relay);
            let stop = work.stop();
            work.start(job, async move { relay.send_all(&destination, &stop).await.map(drop) });
        }
    }

    async fn hand_out_consumers(&self, work: &mut Work) -> Result<(), StoreError> {
        if self.inbox.has_due().await? {
            for position in 0..self.inbox.consumers.len() {
                self.hand_out_keys(position, work).await?;
            }
        }
        Ok(())
    }

    async fn hand_out_keys(&self, position: usize, work: &mut Work) -> Result<(), StoreError> {
        let consumer = &self.inbox.consumers[position];
        let most = self.settings.concurrency;
        if work.keys_of(consumer.name) >= most {
            return Ok(());
        }
        // As many as there may be at all, for those in hand are among them.
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        for head in self.inbox.due_heads(consumer, limit).await? {
            if work.keys_of(consumer.name) >= most {
                break;
            }
            let job = Job::Key { consumer: consumer.name, key: head.key().to_owned() };
            let inbox = Arc::clone(&self.inbox);
            let stop = work.stop();
            work.start(job, async move {
                inbox.work_off(&inbox.consumers[position], head, &stop).await.map(drop)
            });
        }
        Ok(())
    }

    async fn watch(self: Arc<Self>) -> Result<(), StoreError> {
        let backlog = self.backlog().await?;
        self.watched.note(&backlog, self.store.clock().now());
        Ok(())
    }

    async fn sweep_up(self: Arc<Self>) -> Result<(), StoreError> {
        let deleted = self.sweep().await?;
        tracing::debug!(service.name = self.store.module(), deleted, "swept");
        Ok(())
    }
}

/// When the first sweep is, at the latest.
const FIRST_SWEEP: std::time::Duration = std::time::Duration::from_secs(60);
