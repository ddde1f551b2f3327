//! Brings a queue's messages to an inbox.

mod delivery;
mod hand;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use kernel::said_once;
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use seam::{EventInbox, Port, Slot, resilience::Backoff};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::hand::Hand;
use crate::{RabbitError, config::Settings, link::Link, state::FeedStatus, topology::Topology};

/// How long a delivery may go on once the feed is to stop.
const DRAIN: Duration = Duration::from_secs(8);

/// The consumer of one module's queue.
pub(crate) struct Feed {
    module: String,
    inbox: Arc<dyn EventInbox>,
    link: Arc<Link>,
    topology: Topology,
    prefetch: u16,
    /// For each of the things that are asked of the broker.
    ask_time: Duration,
    backoff: Backoff,
    status: Arc<FeedStatus>,
}

/// Why a feed came to an end.
enum End {
    Stopped,
    /// The channel is gone, and what was in hand with it: the broker gives it out again.
    Lost(RabbitError),
}

impl From<RabbitError> for End {
    fn from(error: RabbitError) -> Self {
        Self::Lost(error)
    }
}

impl Feed {
    pub(crate) fn new(
        module: &str,
        inbox: Arc<dyn EventInbox>,
        link: Arc<Link>,
        topology: Topology,
        settings: &Settings,
        status: Arc<FeedStatus>,
    ) -> Self {
        Self {
            module: module.to_owned(),
            // Behind the guard of every port: a bound on the time, and a panic is an error.
            inbox: <dyn EventInbox as Port>::direct(Slot::filled(inbox)),
            link,
            topology,
            prefetch: settings.prefetch,
            ask_time: settings.confirm_time,
            backoff: settings.backoff,
            status,
        }
    }

    /// Consumes until `stop`, over as many connections as it takes.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut failures: u32 = 0;
        loop {
            let Err(end) = self.consume(&stop, &mut failures).await;
            self.status.update(|state| (state.consuming, state.in_hand) = (false, 0));
            let error = match end {
                End::Stopped => return,
                End::Lost(error) => error,
            };
            let wait = match error {
                // Somebody else's attempt was in vain, and this feed is not to come later than
                // the next one for it.
                RabbitError::Down { again_in } => again_in,
                error => {
                    failures = failures.saturating_add(1);
                    self.complain(&error, failures);
                    self.backoff.wait(failures)
                }
            };
            if stop.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Consumes until `stop`, or until the channel is lost.
    async fn consume(
        &self,
        stop: &CancellationToken,
        failures: &mut u32,
    ) -> Result<std::convert::Infallible, End> {
        let subscribing = timeout(self.ask_time, self.subscribe());
        let subscribed = stop.run_until_cancelled(subscribing).await.ok_or(End::Stopped)?;
        let (channel, mut messages) =
            subscribed.map_err(|_| RabbitError::TooSlow { doing: "subscribing" })??;
        *failures = 0;
        self.status.update(|state| (state.consuming, state.trouble) = (true, None));
        tracing::info!(messaging.destination.name = self.module, "a module's feed is connected");

        let mut hand = Hand::new(self.backoff);
        loop {
            self.collect(&mut hand, &channel, &mut messages).await?;
            if hand.ready(Instant::now()).is_empty() {
                let arrived = tokio::select! {
                    biased;
                    () = stop.cancelled() => None,
                    arrived = messages.next() => Some(arrived),
                    () = wait_until(hand.wakes_at(Instant::now())) => continue,
                };
                let Some(arrived) = arrived else { break };
                self.receive(arrived, &mut hand, &channel).await?;
                continue;
            }
            let handing_over = self.hand_over(&mut hand, &channel);
            let stopped = async {
                stop.cancelled().await;
                sleep(DRAIN).await;
            };
            tokio::select! {
                done = handing_over => done?,
                () = stopped => break,
            }
            if stop.is_cancelled() {
                break;
            }
        }
        self.leave(&channel).await;
        Err(End::Stopped)
    }

    async fn subscribe(&self) -> Result<(Channel, Consumer), RabbitError> {
        let channel = self.link.channel().await?;
        let queue = self.topology.declare_inbox(&channel, &self.module).await?;
        channel
            .basic_qos(self.prefetch, BasicQosOptions::default())
            .await
            .map_err(RabbitError::broken("setting the prefetch"))?;
        let tag = ShortString::default();
        let consumer = channel
            .basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map_err(RabbitError::broken("subscribing"))?;
        Ok((channel, consumer))
    }

    /// Takes what has arrived, and waits for nothing.
    async fn collect(
        &self,
        hand: &mut Hand,
        channel: &Channel,
        messages: &mut Consumer,
    ) -> Result<(), RabbitError> {
        while !hand.is_full() {
            let Some(arrived) = messages.next().now_or_never() else { break };
            self.receive(arrived, hand, channel).await?;
        }
        self.status.update(|state| state.in_hand = hand.len());
        Ok(())
    }

    /// Closes the channel, after what was written to it: the broker gives the rest to another.
    async fn leave(&self, channel: &Channel) {
        const DONE: u16 = 200;
        // Where that fails, the broker finds out by itself.
        let _ = timeout(Duration::from_secs(1), channel.close(DONE, "done".into())).await;
    }

    /// Says once for each spell that the module receives nothing.
    fn complain(&self, error: &RabbitError, failures: u32) {
        self.status.update(|state| state.trouble = Some(said_once(error)));
        let module = &self.module;
        let error = match error {
            // The link tells that by itself.
            RabbitError::Unreachable(_) => return,
            _ if failures > 1 => return,
            RabbitError::Differs { .. } => {
                return tracing::error!(
                    messaging.destination.name = module,
                    error = error as &dyn std::error::Error,
                    "a module receives no events, for its queue is not what it should be"
                );
            }
            error => error as &dyn std::error::Error,
        };
        tracing::warn!(
            messaging.destination.name = module,
            error,
            "a module receives no events until its feed is connected again"
        );
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
