//! Names, and what is declared under them. Why it is so is in
//! `docs/decisions/0010-rabbitmq-topology.md`.

use std::sync::Arc;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::RabbitError;

/// How often a message may be given to consumers that go away without a word before it is set
/// aside as a dead letter. What exhausts it is a message that kills its consumer's process each
/// time; an outage costs one at most every half hour (the broker's `consumer_timeout`). Part of
/// the queue's declaration: another value here makes existing queues differ. A policy may lower it.
const DELIVERY_LIMIT: i64 = 100;

/// The names of an installation. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    prefix: Arc<str>,
}

impl Topology {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Takes every publication; the routing key is the module that it is for.
    pub(crate) fn events(&self) -> ShortString {
        // A prefix has at most 64 bytes, so that this cannot be too long.
        ShortString::from(format!("{}.events", self.prefix))
    }

    /// Takes what queues set aside.
    fn dead(&self) -> ShortString {
        ShortString::from(format!("{}.dead", self.prefix))
    }

    /// What waits for `module`.
    pub(crate) fn inbox_of(&self, module: &str) -> Result<ShortString, RabbitError> {
        short(format!("{}.{module}.inbox", self.prefix))
    }

    /// What was set aside from there.
    pub(crate) fn dead_of(&self, module: &str) -> Result<ShortString, RabbitError> {
        short(format!("{}.{module}.dead", self.prefix))
    }

    /// What a publication for `module` is routed by.
    pub(crate) fn key_of(&self, module: &str) -> Result<ShortString, RabbitError> {
        // The longest name of the module has to fit, or its queue could not be there.
        self.inbox_of(module)?;
        short(module.to_owned())
    }

    /// Declares what a publisher needs: not the queues of others, which only their modules know to
    /// exist.
    pub(crate) async fn declare_exchange(&self, channel: &Channel) -> Result<(), RabbitError> {
        declare_exchange(channel, self.events()).await
    }

    /// Declares all that the module `module` receives through. Says the name of its queue.
    pub(crate) async fn declare_inbox(
        &self,
        channel: &Channel,
        module: &str,
    ) -> Result<ShortString, RabbitError> {
        let (inbox, dead) = (self.inbox_of(module)?, self.dead_of(module)?);
        self.declare_exchange(channel).await?;
        declare_exchange(channel, self.dead()).await?;
        // From the far end: what a queue leads to is there before anything can go into it.
        let key = self.key_of(module)?;
        declare_queue(channel, &dead, quorum()).await?;
        bind(channel, &dead, self.dead(), key.clone()).await?;
        declare_queue(channel, &inbox, self.inbox_arguments()).await?;
        bind(channel, &inbox, self.events(), key).await?;
        Ok(inbox)
    }

    fn inbox_arguments(&self) -> FieldTable {
        let mut arguments = quorum();
        let mut set = |name: &str, value| {
            arguments.insert(name.into(), value);
        };
        set("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT));
        set("x-dead-letter-exchange", text(self.dead().as_str()));
        // The default, at most once, loses a letter where the dead letters' queue is away for a
        // moment. At least once keeps it until that has it, and asks for the overflow below.
        set("x-dead-letter-strategy", text("at-least-once"));
        set("x-overflow", text("reject-publish"));
        arguments
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn short(name: String) -> Result<ShortString, RabbitError> {
    ShortString::try_new(name.as_str()).map_err(|_| RabbitError::Name { name })
}

async fn declare_exchange(channel: &Channel, name: ShortString) -> Result<(), RabbitError> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(name.clone(), ExchangeKind::Direct, durable, FieldTable::default())
        .await
        .map_err(|source| RabbitError::undeclared(name.as_str(), source))
}

async fn declare_queue(
    channel: &Channel,
    name: &ShortString,
    arguments: FieldTable,
) -> Result<(), RabbitError> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.clone(), durable, arguments).await;
    declared.map(drop).map_err(|source| RabbitError::undeclared(name.as_str(), source))
}

async fn bind(
    channel: &Channel,
    queue: &ShortString,
    exchange: ShortString,
    key: ShortString,
) -> Result<(), RabbitError> {
    channel
        .queue_bind(
            queue.clone(),
            exchange,
            key,
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .map_err(|source| RabbitError::undeclared(queue.as_str(), source))
}
