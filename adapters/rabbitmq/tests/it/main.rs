//! RabbitMQ as a bus and as a feed, against a running broker.

mod rabbitmq;
