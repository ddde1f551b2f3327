//! Brings a queue's messages to an inbox.

mod hand;

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use kernel::{CallContext, CallId, Envelope, EventId, Principal};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::{FieldTable, ShortString},
};
use seam::{EventBatch, EventInbox, Port, Slot, resilience::Backoff};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::hand::{Ack, Hand};
use crate::{
    RabbitError, config::Settings, link::Link, message, state::FeedStatus, topology::Topology,
};

/// How long an inbox may take for a batch. It answers for what it took in time, and is given the
/// rest again.
const DELIVER_TIME: Duration = Duration::from_secs(30);

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
            failures = failures.saturating_add(1);
            self.complain(&error, failures);
            let wait = sleep(self.backoff.wait(failures));
            if stop.run_until_cancelled(wait).await.is_none() {
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
        tracing::debug!(messaging.destination.name = self.module, "a feed is connected");

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

    async fn receive(
        &self,
        arrived: Option<lapin::Result<Delivery>>,
        hand: &mut Hand,
        channel: &Channel,
    ) -> Result<(), RabbitError> {
        let cancelled = || RabbitError::Cancelled { module: self.module.clone() };
        let delivery = arrived.ok_or_else(cancelled)?.map_err(RabbitError::broken("consuming"))?;
        match message::read(&delivery.data) {
            Ok(envelope) => hand.take(delivery.delivery_tag, envelope),
            Err(error) => self.reject(&delivery, &error, channel).await?,
        }
        Ok(())
    }

    /// Sets aside what is no envelope: it would be none the next time either. At once, for an
    /// acknowledgement of what comes behind it may speak for all before.
    async fn reject(
        &self,
        delivery: &Delivery,
        error: &serde_json::Error,
        channel: &Channel,
    ) -> Result<(), RabbitError> {
        let id = delivery.properties.message_id().as_ref().map_or("none", ShortString::as_str);
        tracing::error!(
            messaging.destination.name = self.module,
            messaging.message.id = id,
            messaging.message.body.size = delivery.data.len(),
            error = error as &dyn std::error::Error,
            "a message is no event, and goes to the dead letters"
        );
        self.status.update(|state| state.rejected += 1);
        channel
            .basic_reject(delivery.delivery_tag, BasicRejectOptions { requeue: false })
            .await
            .map_err(RabbitError::broken("rejecting a message"))
    }

    /// Asks the inbox to take what is ready, and tells the broker what it took. Where it takes
    /// nothing, the events of another key tell whether it is down or cannot get past this one.
    async fn hand_over(&self, hand: &mut Hand, channel: &Channel) -> Result<(), RabbitError> {
        let batch = hand.ready(Instant::now());
        let Some(first) = batch.first() else { return Ok(()) };
        let key = first.aggregate.ordering_key();
        let mut taken = self.deliver(batch, hand).await;
        if taken.is_empty() {
            let others = hand.ready_without(&key, Instant::now());
            if !others.is_empty() {
                taken = self.deliver(others, hand).await;
            }
            if taken.is_empty() {
                self.hold(hand);
                return Ok(());
            }
            tracing::warn!(
                messaging.destination.name = self.module,
                ordering_key = key,
                "an inbox does not take an event, which waits with all of its ordering key"
            );
            hand.set_aside(key, Instant::now());
        } else if hand.is_paused() {
            tracing::info!(
                messaging.destination.name = self.module,
                "the inbox takes events again"
            );
            self.status.update(|state| state.trouble = None);
        }
        #[cfg(feature = "failpoints")]
        fail::fail_point!("rabbitmq::delivered_before_ack");
        self.acknowledge(hand.settle(&taken), channel).await?;
        let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
        self.status.update(|state| {
            state.taken += count;
            state.in_hand = hand.len();
        });
        Ok(())
    }

    async fn deliver(&self, envelopes: Vec<Envelope>, hand: &Hand) -> HashSet<EventId> {
        let ctx = CallContext::new(Principal::service("rabbitmq"), CallId::random(), DELIVER_TIME);
        match self.inbox.deliver(&ctx, EventBatch { envelopes }).await {
            Ok(receipt) => receipt.taken.into_iter().collect(),
            Err(error) => {
                if !hand.is_paused() {
                    tracing::warn!(
                        messaging.destination.name = self.module,
                        error = &error as &dyn std::error::Error,
                        "an inbox does not take events, which are held"
                    );
                }
                HashSet::new()
            }
        }
    }

    /// The inbox is down. What is in hand stays in hand: sent back, it would use up deliveries,
    /// and an outage would make dead letters of good messages.
    fn hold(&self, hand: &mut Hand) {
        hand.pause(Instant::now());
        if hand.has_just_paused() {
            let trouble = Some("the inbox takes nothing: is its store down?".to_owned());
            self.status.update(|state| state.trouble = trouble);
        }
    }

    async fn acknowledge(&self, acks: Vec<Ack>, channel: &Channel) -> Result<(), RabbitError> {
        for ack in acks {
            let (tag, multiple) = match ack {
                Ack::UpTo(tag) => (tag, true),
                Ack::One(tag) => (tag, false),
            };
            channel
                .basic_ack(tag, BasicAckOptions { multiple })
                .await
                .map_err(RabbitError::broken("acknowledging"))?;
        }
        Ok(())
    }

    /// Closes the channel, after what was written to it: the broker gives the rest to another.
    async fn leave(&self, channel: &Channel) {
        const DONE: u16 = 200;
        // Where that fails, the broker finds out by itself.
        let _ = timeout(Duration::from_secs(1), channel.close(DONE, "done".into())).await;
    }

    fn complain(&self, error: &RabbitError, failures: u32) {
        self.status.update(|state| state.trouble = Some(with_causes(error)));
        // Once when it begins; and the link tells by itself that the broker is down.
        let told = matches!(error, RabbitError::Down | RabbitError::Unreachable(_));
        if failures == 1 && !told {
            tracing::error!(
                messaging.destination.name = self.module,
                error = error as &dyn std::error::Error,
                "a module receives no events until this is over"
            );
        }
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// For an operator, who sees no chain of errors.
fn with_causes(error: &RabbitError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
