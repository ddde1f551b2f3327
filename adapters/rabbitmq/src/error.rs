use std::time::Duration;

use lapin::{
    ErrorKind,
    protocol::{AMQPErrorKind, AMQPSoftError},
};

/// Why something was not done at the broker.
#[derive(Debug, thiserror::Error)]
pub enum RabbitError {
    /// The configuration cannot be used.
    #[error("{what}")]
    Config {
        /// What is wrong, and what is expected.
        what: &'static str,
    },
    /// A name is longer than the protocol allows: 255 bytes.
    #[error("{name} is no name for a queue: it is longer than 255 bytes")]
    Name {
        /// The name.
        name: String,
    },
    /// The broker cannot be reached, or refuses the connection.
    #[error("RabbitMQ cannot be reached")]
    Unreachable(#[source] lapin::Error),
    /// The broker could not be reached a moment ago; nobody tries before the next attempt is due.
    #[error("RabbitMQ was down a moment ago")]
    Down {
        /// How long that is.
        again_in: Duration,
    },
    /// The broker is short of memory or disk, and takes no publications until that is over.
    #[error("RabbitMQ is short of memory or disk and takes nothing (connection.blocked)")]
    Blocked,
    /// The broker took longer than it may.
    #[error("RabbitMQ did not answer in time ({doing})")]
    TooSlow {
        /// What was asked of it.
        doing: &'static str,
    },
    /// Something of that name exists and is not as this build declares it. The broker never
    /// changes a queue in place: move its messages, delete it, and it is declared anew.
    #[error(
        "{name} exists in RabbitMQ with other properties than this build declares: empty and \
         delete it, or use another prefix (docs/decisions/0010-rabbitmq-topology.md)"
    )]
    Differs {
        /// The exchange or queue.
        name: String,
        /// Which property differs, in the broker's words.
        #[source]
        source: lapin::Error,
    },
    /// There is no queue of that name: the module has never consumed.
    #[error("RabbitMQ has no queue {name}: its module has never consumed here")]
    NoQueue {
        /// The queue.
        name: String,
    },
    /// The broker refused, or the connection broke.
    #[error("RabbitMQ failed ({doing})")]
    Broken {
        /// What was asked of it.
        doing: &'static str,
        /// What it said.
        #[source]
        source: lapin::Error,
    },
    /// The broker ended the consumer, as it does where its queue is deleted.
    #[error("RabbitMQ ended the consumer of {module}: was its queue deleted?")]
    Cancelled {
        /// The module that consumes it.
        module: String,
    },
    /// A message was to go back to its queue, and the broker did not take it.
    #[error("RabbitMQ did not take a message that was to go back to its queue")]
    NotTaken,
    /// A message cannot be written as JSON.
    #[error("an event cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// The runtime of the connections is gone.
    #[error("the program is stopping")]
    Stopping,
}

impl RabbitError {
    /// Names what was being done.
    pub(crate) const fn broken(doing: &'static str) -> impl FnOnce(lapin::Error) -> Self {
        move |source| Self::Broken { doing, source }
    }

    /// What a failed declaration of `name` means.
    pub(crate) fn undeclared(name: &str, source: lapin::Error) -> Self {
        let name = name.to_owned();
        match soft(&source) {
            Some(AMQPSoftError::PRECONDITIONFAILED) => Self::Differs { name, source },
            Some(AMQPSoftError::NOTFOUND) => Self::NoQueue { name },
            _ => Self::Broken { doing: "declaring exchanges and queues", source },
        }
    }
}

/// The error that the broker closed a channel with.
fn soft(error: &lapin::Error) -> Option<AMQPSoftError> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => match error.kind() {
            AMQPErrorKind::Soft(soft) => Some(soft.clone()),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}
