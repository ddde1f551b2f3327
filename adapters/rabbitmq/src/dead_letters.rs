//! What queues set aside, for an operator.

use std::time::Duration;

use lapin::{
    BasicProperties, Channel, Confirmation,
    message::BasicGetMessage,
    options::{
        BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions,
        QueueDeclareOptions,
    },
    types::{FieldTable, ShortString},
};
use serde::Serialize;
use tokio::time::timeout;

use crate::{RabbitBroker, RabbitError, publisher::Publisher, topology::Topology};

/// What a redrive did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Messages that are back in the module's queue.
    pub moved: u32,
    /// Messages that are still dead letters.
    pub left: u32,
}

impl RabbitBroker {
    /// How many of `module`'s messages the broker holds as dead letters: what was no envelope, and
    /// what killed its consumer time and again. An event that a handler failed is not among them:
    /// the module's own inbox keeps that one.
    ///
    /// # Errors
    /// The broker cannot be asked, or the module has never consumed.
    pub async fn dead_letters(&self, module: &str) -> Result<u32, RabbitError> {
        let work = self.redrive_of(module)?;
        let counted = self.on_runtime(async move { work.bounded(work.count()).await }).await;
        counted.unwrap_or(Err(RabbitError::Stopping))
    }

    /// Moves up to `most` of `module`'s dead letters back into its queue, the oldest first, for
    /// instance once a build can read them. A message leaves the dead letters only when the queue
    /// has it, so that one that is moved just as the program dies is there twice, and the inbox
    /// takes it once. What is set aside again meanwhile is not moved again.
    ///
    /// # Errors
    /// The broker cannot be asked, or fails. What was moved stays moved.
    pub async fn redrive(&self, module: &str, most: u32) -> Result<Redriven, RabbitError> {
        let _alone = self.redriving.lock().await;
        let work = self.redrive_of(module)?;
        let moved = self.on_runtime(async move { work.redrive(most).await }).await;
        moved.unwrap_or(Err(RabbitError::Stopping))
    }

    fn redrive_of(&self, module: &str) -> Result<Redrive, RabbitError> {
        Ok(Redrive {
            publisher: self.publisher.clone(),
            topology: self.topology.clone(),
            dead: self.topology.dead_of(module)?,
            key: self.topology.key_of(module)?,
            ask_time: self.settings.confirm_time,
        })
    }
}

struct Redrive {
    publisher: Publisher,
    topology: Topology,
    dead: ShortString,
    key: ShortString,
    ask_time: Duration,
}

impl Redrive {
    async fn count(&self) -> Result<u32, RabbitError> {
        let channel = self.publisher.lease().await?;
        let counted = self.count_over(&channel).await?;
        self.publisher.give_back(channel);
        Ok(counted)
    }

    async fn redrive(&self, most: u32) -> Result<Redriven, RabbitError> {
        let channel = self.publisher.lease().await?;
        let there = self.bounded(self.count_over(&channel)).await?;
        let mut moved = 0;
        while moved < most.min(there) && self.bounded(self.move_one(&channel)).await? {
            moved += 1;
        }
        self.publisher.give_back(channel);
        tracing::info!(queue = self.dead.as_str(), moved, "dead letters were moved back");
        Ok(Redriven { moved, left: there.saturating_sub(moved) })
    }

    async fn count_over(&self, channel: &Channel) -> Result<u32, RabbitError> {
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(self.dead.clone(), look, FieldTable::default()).await;
        let queue = queue.map_err(|source| RabbitError::undeclared(self.dead.as_str(), source))?;
        Ok(queue.message_count())
    }

    /// `false` where there is none left.
    async fn move_one(&self, channel: &Channel) -> Result<bool, RabbitError> {
        let letter = channel
            .basic_get(self.dead.clone(), BasicGetOptions::default())
            .await
            .map_err(RabbitError::broken("reading a dead letter"))?;
        let Some(letter) = letter else { return Ok(false) };
        let tag = letter.delivery_tag;
        if self.publish_again(channel, &letter).await? {
            let acked = channel.basic_ack(tag, BasicAckOptions::default()).await;
            acked.map_err(RabbitError::broken("acknowledging a dead letter"))?;
            return Ok(true);
        }
        let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        let returned = channel.basic_nack(tag, back).await;
        returned.map_err(RabbitError::broken("leaving a dead letter"))?;
        Err(RabbitError::NotTaken)
    }

    /// Whether the module's queue has it.
    async fn publish_again(
        &self,
        channel: &Channel,
        letter: &BasicGetMessage,
    ) -> Result<bool, RabbitError> {
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = channel
            .basic_publish(
                self.topology.events(),
                self.key.clone(),
                mandatory,
                &letter.data,
                as_new(&letter.properties),
            )
            .await
            .map_err(RabbitError::broken("publishing a dead letter"))?;
        let confirmed = confirm.await.map_err(RabbitError::broken("publishing a dead letter"))?;
        Ok(matches!(confirmed, Confirmation::Ack(None)))
    }

    async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, RabbitError>>,
    ) -> Result<T, RabbitError> {
        let done = timeout(self.ask_time, work).await;
        done.unwrap_or(Err(RabbitError::TooSlow { doing: "working on dead letters" }))
    }
}

/// A message's properties without what the dead letters' queue noted for itself. Why and when it
/// was set aside stays with it, in `x-death`.
fn as_new(properties: &BasicProperties) -> BasicProperties {
    let Some(headers) = properties.headers() else { return properties.clone() };
    let mut kept = FieldTable::default();
    for (name, value) in headers.into_iter().filter(|(name, _)| name.as_str() != "x-delivery-count")
    {
        kept.insert(name.clone(), value.clone());
    }
    properties.clone().with_headers(kept)
}
