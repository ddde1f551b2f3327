//! The broker as another client, or an operator, sees it.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    message::BasicGetMessage,
    options::{
        BasicAckOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

use super::{LOOK, within};

/// The modules that tests know.
const MODULES: [&str; 2] = ["reader", "archive"];

pub(crate) struct Raw {
    prefix: String,
    connection: Connection,
    channel: Channel,
}

impl Raw {
    pub(crate) async fn connect(prefix: &str) -> Self {
        let url = testing::rabbitmq_url();
        let connection = Connection::connect(&url, ConnectionProperties::default()).await;
        let connection = connection.expect("a broker");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        Self { prefix: prefix.to_owned(), connection, channel }
    }

    /// Publishes to a module what need not be an event.
    pub(crate) async fn publish(&self, module: &str, body: &[u8]) {
        let exchange = format!("{}.events", self.prefix);
        let confirm = self.channel.basic_publish(
            exchange.into(),
            module.into(),
            BasicPublishOptions::default(),
            body,
            BasicProperties::default(),
        );
        let confirm = confirm.await.expect("written").await.expect("an answer");
        assert!(confirm.is_ack());
    }

    /// Takes the first message of a queue away, where there is one.
    pub(crate) async fn take(&self, queue: &str) -> Option<BasicGetMessage> {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await;
        let message = got.expect("a queue")?;
        message.ack(BasicAckOptions::default()).await.expect("acknowledged");
        Some(message)
    }

    /// Makes a dead letter of the first message of a queue.
    pub(crate) async fn reject_first(&self, queue: &str) {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await;
        let message = got.expect("a queue").expect("a message");
        message.reject(BasicRejectOptions { requeue: false }).await.expect("rejected");
    }

    /// How many messages of a queue are with nobody.
    pub(crate) async fn waiting(&self, queue: &str) -> u32 {
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), look, FieldTable::default()).await;
        queue.expect("a queue").message_count()
    }

    /// Waits until so many are.
    pub(crate) async fn until_waiting(&self, queue: &str, count: u32) {
        let mut pause = tokio::time::interval(LOOK);
        within(async {
            while self.waiting(queue).await != count {
                pause.tick().await;
            }
        })
        .await;
    }

    /// A queue as an older build might have declared it.
    pub(crate) async fn declare_queue(&self, queue: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert((*name).into(), value.clone());
        }
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), durable, table).await.expect("a new queue");
    }

    pub(crate) async fn declare_exchange(&self, exchange: &str, kind: ExchangeKind) {
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared =
            self.channel.exchange_declare(exchange.into(), kind, durable, FieldTable::default());
        declared.await.expect("a new exchange");
    }

    pub(crate) async fn delete_queue(&self, queue: &str) {
        let deleted = self.channel.queue_delete(queue.into(), QueueDeleteOptions::default());
        deleted.await.expect("it is gone");
    }

    pub(crate) async fn delete_exchange(&self, exchange: &str) {
        let deleted =
            self.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default());
        deleted.await.expect("it is gone");
    }

    /// All that an installation may have declared.
    pub(crate) async fn delete_all(&self) {
        for module in MODULES {
            self.delete_queue(&format!("{}.{module}.inbox", self.prefix)).await;
            self.delete_queue(&format!("{}.{module}.dead", self.prefix)).await;
        }
        for exchange in ["events", "dead"] {
            self.delete_exchange(&format!("{}.{exchange}", self.prefix)).await;
        }
        const DONE: u16 = 200;
        self.connection.close(DONE, "done".into()).await.expect("closed");
    }
}
