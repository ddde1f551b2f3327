//! From the broker's hands into the inbox's.

use std::{collections::HashSet, time::Duration};

use kernel::{CallContext, CallId, Envelope, EventId, Principal};
use lapin::{
    Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicRejectOptions},
    types::ShortString,
};
use seam::EventBatch;
use tokio::time::Instant;

use super::{
    Feed,
    hand::{Ack, Hand},
};
use crate::{RabbitError, message};

/// How long an inbox may take for a batch. It answers for what it took in time, and is given the
/// rest again.
const DELIVER_TIME: Duration = Duration::from_secs(30);

impl Feed {
    /// What arrived is in hand, or set aside where it is no envelope.
    pub(super) async fn receive(
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
    pub(super) async fn hand_over(
        &self,
        hand: &mut Hand,
        channel: &Channel,
    ) -> Result<(), RabbitError> {
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
        failpoints::reach("rabbitmq::delivered_before_ack").await;
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
}
