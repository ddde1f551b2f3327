use std::{
    collections::HashSet,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::future::maybe_done;
use kernel::{Envelope, EventId};
use lapin::{
    Channel, Confirmation, ErrorKind, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use seam::{CallFailure, Receipt};
use tokio::time::{Instant, timeout_at};

use crate::{RabbitError, link::Link, message, topology::Topology, unroutable::Unroutable};

/// Publishes batches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Publisher(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    topology: Topology,
    confirm_time: Duration,
    /// Channels that nobody uses now. A batch has one to itself, for what the broker returns and
    /// confirms is told per channel.
    idle: Mutex<Vec<Channel>>,
    unroutable: Unroutable,
    /// Whether publications fail, so that it is said once.
    failing: AtomicBool,
}

/// More idle channels than this are closed: batches seldom go out to more destinations at once.
const MOST_IDLE: usize = 8;

/// What the broker said of a batch.
#[derive(Default)]
struct Answers {
    confirmed: Vec<EventId>,
    returned: HashSet<EventId>,
    /// Why there is no more: the first reason.
    failure: Option<(RabbitError, Reached)>,
}

/// Whether what failed reached the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Perhaps,
    /// Certainly nothing of the batch did.
    Nobody,
}

impl Publisher {
    pub(crate) fn new(link: Arc<Link>, topology: Topology, confirm_time: Duration) -> Self {
        Self(Arc::new(Inner {
            link,
            topology,
            confirm_time,
            idle: Mutex::default(),
            unroutable: Unroutable::default(),
            failing: AtomicBool::new(false),
        }))
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    pub(crate) fn unroutable(&self) -> &Unroutable {
        &self.0.unroutable
    }

    /// Publishes a batch, and then waits for what the broker says of it, all together.
    pub(crate) async fn publish(
        &self,
        destination: &str,
        envelopes: &[Envelope],
    ) -> Result<Receipt, CallFailure> {
        let channel = match self.lease().await {
            Ok(channel) => channel,
            Err(error) => {
                self.failed(&error);
                return Err(CallFailure::unavailable(destination));
            }
        };
        let answers = self.send(&channel, destination, envelopes).await;
        match &answers.failure {
            Some((error, _)) => self.failed(error),
            None => {
                self.0.failing.store(false, Ordering::Relaxed);
                self.give_back(channel);
            }
        }
        self.note_routes(destination, &answers);
        answers.receipt(destination, envelopes.len())
    }

    /// A channel for one batch, with what it publishes to declared.
    pub(crate) async fn lease(&self) -> Result<Channel, RabbitError> {
        if self.0.link.is_blocked() {
            return Err(RabbitError::Blocked);
        }
        while let Some(channel) = self.idle().pop() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = self.0.link.channel().await?;
        let preparing = async {
            self.0.topology.declare_exchange(&channel).await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await
                .map_err(RabbitError::broken("asking for confirms"))
        };
        match tokio::time::timeout(self.0.confirm_time, preparing).await {
            Ok(prepared) => prepared.map(|()| channel),
            Err(_) => Err(RabbitError::TooSlow { doing: "preparing to publish" }),
        }
    }

    /// Only a channel on which nothing is outstanding.
    pub(crate) fn give_back(&self, channel: Channel) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(channel);
        }
    }

    async fn send(&self, channel: &Channel, destination: &str, envelopes: &[Envelope]) -> Answers {
        let until = Instant::now() + self.0.confirm_time;
        let mut answers = Answers::default();
        let written = match self.write(channel, destination, envelopes, until).await {
            Ok(written) => written,
            Err(error) => {
                answers.fail(error, Reached::Nobody);
                return answers;
            }
        };
        let reached = match written.first() {
            Some(Err(error)) if never_left(error) => Reached::Nobody,
            _ => Reached::Perhaps,
        };
        for (envelope, written) in envelopes.iter().zip(written) {
            match written {
                Ok(confirm) => answers.hear(envelope.id, timeout_at(until, confirm).await),
                Err(error) => answers.fail(error, reached),
            }
        }
        answers
    }

    /// Writes a batch; the broker's answers are what comes back.
    async fn write(
        &self,
        channel: &Channel,
        destination: &str,
        envelopes: &[Envelope],
        until: Instant,
    ) -> Result<Vec<Result<PublisherConfirm, RabbitError>>, RabbitError> {
        const MANDATORY: BasicPublishOptions =
            BasicPublishOptions { mandatory: true, immediate: false };
        let key = self.0.topology.key_of(destination)?;
        let messages: Vec<_> = envelopes.iter().map(message::write).collect::<Result<_, _>>()?;
        let mut writing = Vec::with_capacity(messages.len());
        for (properties, body) in &messages {
            let (exchange, key) = (self.0.topology.events(), key.clone());
            let publishing =
                channel.basic_publish(exchange, key, MANDATORY, body, properties.clone());
            writing.push(Box::pin(maybe_done(publishing)));
        }
        // The first poll puts a message in line. To wait for each before the next would cost a
        // change of threads a message.
        poll_fn(|context| {
            for one in &mut writing {
                let _in_line = one.as_mut().poll(context);
            }
            Poll::Ready(())
        })
        .await;
        let mut written = Vec::with_capacity(writing.len());
        for mut one in writing {
            let outcome = timeout_at(until, one.as_mut())
                .await
                .ok()
                .and_then(|()| one.as_mut().take_output());
            written.push(match outcome {
                Some(outcome) => outcome.map_err(RabbitError::broken("publishing")),
                None => Err(RabbitError::TooSlow { doing: "publishing" }),
            });
        }
        Ok(written)
    }

    fn note_routes(&self, destination: &str, answers: &Answers) {
        let returned = answers.returned.len();
        if returned > 0 {
            self.0.unroutable.returned(destination, returned);
        } else if !answers.confirmed.is_empty() {
            self.0.unroutable.routed(destination);
        }
    }

    /// Says why, once for each spell of trouble; the link tells by itself that it is down.
    fn failed(&self, error: &RabbitError) {
        let told = matches!(error, RabbitError::Down { .. } | RabbitError::Unreachable(_));
        if !told && !self.0.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "RabbitMQ did not take events, which will be sent again"
            );
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    /// The broker's answer to the publication of `id`, or the lack of one.
    fn hear(
        &mut self,
        id: EventId,
        answer: Result<lapin::Result<Confirmation>, tokio::time::error::Elapsed>,
    ) {
        let error = match answer {
            Ok(Ok(confirmation)) => {
                let confirmed = confirmation.is_ack();
                // What came back is told together with the answer to any message of the channel.
                if let Some(message) = confirmation.take_message() {
                    self.returned.extend(message::id_of(&message.properties));
                }
                if confirmed {
                    self.confirmed.push(id);
                    return;
                }
                RabbitError::NotTaken
            }
            Ok(Err(source)) => RabbitError::Broken { doing: "confirming", source },
            Err(_) => RabbitError::TooSlow { doing: "confirming" },
        };
        self.fail(error, Reached::Perhaps);
    }

    fn fail(&mut self, error: RabbitError, reached: Reached) {
        self.failure.get_or_insert((error, reached));
    }

    fn receipt(self, destination: &str, published: usize) -> Result<Receipt, CallFailure> {
        let Self { confirmed, returned, failure } = self;
        // An unroutable message is confirmed too: the broker is done with it.
        let taken: Vec<EventId> =
            confirmed.into_iter().filter(|id| !returned.contains(id)).collect();
        match failure {
            _ if !taken.is_empty() || published == 0 => Ok(Receipt { taken }),
            Some((_, Reached::Perhaps)) => Err(CallFailure::outcome_unknown(destination)),
            // Nothing left this program, or all of it came back.
            Some(_) | None => Err(CallFailure::unavailable(destination)),
        }
    }
}

/// Whether a publication failed before anything of it was written.
fn never_left(error: &RabbitError) -> bool {
    match error {
        RabbitError::Broken { source, .. } => matches!(
            source.kind(),
            ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidConnectionState(_)
        ),
        RabbitError::Name { .. } | RabbitError::Unwritable(_) => true,
        _ => false,
    }
}
