//! One call of a handler: its context, its bounds, and what follows from its outcome.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use kernel::{CallContext, CallId, CallKey, Envelope, Principal, Timestamp, TraceContext};
use storage::tables::inbox::State;
use telemetry::{
    conventions::ERROR_TYPE,
    errors::{Panic, Site, Work, caught, unexpected_at},
};
use tracing::{Instrument, Span, field};

use crate::{
    Consumer, Delivery, EngineSettings, HandlerError,
    history::{Entry, Happening, describe},
    metrics::{self, Outcome},
};

/// The context that a handler works in: the publishing module asks, for the event's tenant, under
/// a key that repeats with the delivery, as part of the trace that caused the event.
pub(super) fn context(consumer: &Consumer, envelope: &Envelope, allowed: Duration) -> CallContext {
    let principal = Principal::Service { name: envelope.source.clone(), tenant: envelope.tenant };
    let key = CallKey::new(format!("event:{}/{}", envelope.id, consumer.name));
    let ctx = CallContext::new(principal, CallId(envelope.id.0), allowed).with_key(key);
    match envelope.traceparent.as_deref().and_then(TraceContext::from_traceparent) {
        Some(trace) => ctx.with_trace(trace),
        None => ctx,
    }
}

pub(super) fn delivery(envelope: &Envelope, attempt: u32) -> Delivery {
    Delivery {
        id: envelope.id,
        attempt,
        occurred_at: envelope.occurred_at,
        aggregate: envelope.aggregate.clone(),
    }
}

/// What is done with an event goes on with the trace of what caused it, and what is logged meanwhile
/// belongs to it.
pub(super) fn span(consumer: &Consumer, envelope: &Envelope, attempt: u32) -> Span {
    let caused_by = envelope.traceparent.as_deref().and_then(TraceContext::from_traceparent);
    let begins = match caused_by {
        Some(trace) => telemetry::Entry::Continues(trace),
        None => telemetry::Entry::Begins(envelope.id.0.as_u128().max(1)),
    };
    telemetry::entry(begins, || {
        tracing::info_span!(
            "event.handle",
            otel.kind = "consumer",
            otel.name = format_args!("process {}", envelope.event_type),
            messaging.system = "ashlar",
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = envelope.event_type,
            messaging.message.id = %envelope.id,
            messaging.consumer.group.name = consumer.name,
            attempt,
            error.type = field::Empty,
        )
    })
}

/// What is being done while `consumer` of `module` handles an event.
pub(super) const fn site(module: &'static str, consumer: &Consumer) -> Site {
    Site { module, work: Work::Event(consumer.name) }
}

/// Runs a handler of `consumer` of `module` in `span`, for no longer than `allowed`; a panic is a
/// failure like any other.
pub(super) async fn bounded(
    module: &'static str,
    consumer: &Consumer,
    span: &Span,
    allowed: Duration,
    handling: impl Future<Output = Result<(), HandlerError>>,
) -> Result<(), HandlerError> {
    let began = Instant::now();
    let caught = caught(site(module, consumer), handling).instrument(span.clone());
    let outcome = match tokio::time::timeout(allowed, caught).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(HandlerError::retry(panic)),
        Err(_) => Err(HandlerError::retry(TookTooLong(allowed))),
    };
    let class = outcome.as_ref().err().map(|error| match error {
        HandlerError::Retry(_) => "retry",
        HandlerError::Permanent(_) => "permanent",
    });
    if let Some(class) = class {
        span.record(ERROR_TYPE, class);
    }
    metrics::attempted(consumer, began.elapsed(), class);
    outcome
}

/// What becomes of a delivery whose handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again after a wait.
    Again(Duration),
    /// It is parked.
    Park,
}

/// A verdict with the moment it was passed at.
pub(super) struct Passed {
    pub(super) verdict: Verdict,
    pub(super) at: Timestamp,
}

impl Verdict {
    /// `attempts` have been made, this one included.
    pub(super) fn of(error: &HandlerError, attempts: u32, settings: &EngineSettings) -> Self {
        match error {
            HandlerError::Retry(_) if attempts < settings.max_attempts => {
                Self::Again(settings.consumer_backoff.wait(attempts))
            }
            HandlerError::Retry(_) | HandlerError::Permanent(_) => Self::Park,
        }
    }

    pub(super) const fn at(self, at: Timestamp) -> Passed {
        Passed { verdict: self, at }
    }
}

impl Passed {
    /// The row's state from now on, and when it may be tried again.
    pub(super) fn outcome(&self) -> (State, Timestamp) {
        match self.verdict {
            Verdict::Again(wait) => (State::Pending, self.at + wait),
            Verdict::Park => (State::Dead, self.at),
        }
    }

    /// What the history says of it.
    pub(super) fn entry(&self, attempt: u32, error: &HandlerError) -> Entry {
        let cause: &(dyn Error + 'static) = match error {
            HandlerError::Retry(source) | HandlerError::Permanent(source) => &**source,
        };
        let error = describe(cause);
        let what = match self.verdict {
            Verdict::Again(_) => Happening::Failed { attempt, error },
            Verdict::Park => Happening::Parked { attempt, error },
        };
        Entry { at: self.at, what }
    }
}

/// Says and counts once, here, that a handler failed: an operator acts on what is parked. A dead letter
/// is a fault of `module`; a panic was told as one when it was caught.
pub(super) fn tell(
    module: &'static str,
    consumer: &Consumer,
    envelope: &Envelope,
    attempt: u32,
    verdict: &Verdict,
    error: &HandlerError,
) {
    metrics::delivered(
        consumer,
        match verdict {
            Verdict::Again(_) => Outcome::Failed,
            Verdict::Park => Outcome::Parked,
        },
    );
    let error = error as &(dyn Error + 'static);
    // Before the lines: what is not logged is not computed either.
    let fingerprint = match verdict {
        Verdict::Again(_) => Panic::within(error).map(Panic::fingerprint),
        Verdict::Park => Some(unexpected_at(module, consumer.name, error)),
    };
    let fingerprint = fingerprint.map(field::display);
    match verdict {
        Verdict::Again(wait) => tracing::warn!(
            messaging.message.id = %envelope.id,
            messaging.consumer = consumer.name,
            event.name = envelope.event_type,
            attempt,
            retry_in_ms = wait.as_millis(),
            error,
            error.fingerprint = fingerprint,
            "an event was not handled and will be tried again"
        ),
        Verdict::Park => tracing::error!(
            messaging.message.id = %envelope.id,
            messaging.consumer = consumer.name,
            event.name = envelope.event_type,
            attempt,
            error,
            error.fingerprint = fingerprint,
            "an event is parked as a dead letter"
        ),
    }
}

/// An effect changes a tenant's data, and the event belongs to none.
#[derive(Debug, thiserror::Error)]
#[error("the event belongs to no tenant, and an effect works for one: subscribe with an action")]
pub(super) struct NoTenant;

/// The handler did not come back.
#[derive(Debug, thiserror::Error)]
#[error("the handler took longer than {0:?}")]
struct TookTooLong(Duration);

/// The process ended during the last attempt, more than once.
#[derive(Debug, thiserror::Error)]
#[error("no attempt came to an end: the process died, or was stopped, in each")]
pub(super) struct NeverCameBack;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_parks() {
        let settings = EngineSettings { max_attempts: 3, ..EngineSettings::default() };
        let retry = HandlerError::retry("later");
        for attempts in 1..=2 {
            assert!(matches!(Verdict::of(&retry, attempts, &settings), Verdict::Again(_)));
        }
        assert_eq!(Verdict::of(&retry, 3, &settings), Verdict::Park);
        assert_eq!(Verdict::of(&HandlerError::permanent("no"), 1, &settings), Verdict::Park);
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_to_be_tried_again() {
        let outcome = bounded(
            "kitchen",
            &Consumer::unrouted(),
            &Span::none(),
            Duration::from_secs(5),
            async { panic!("out of cheese") },
        )
        .await;
        let Err(HandlerError::Retry(source)) = outcome else { panic!("expected a retry") };
        assert_eq!(source.to_string(), "panicked: out of cheese");
    }

    #[tokio::test]
    async fn a_handler_that_hangs_is_cut_off() {
        let outcome = bounded(
            "kitchen",
            &Consumer::unrouted(),
            &Span::none(),
            Duration::from_millis(1),
            std::future::pending(),
        )
        .await;
        assert!(matches!(outcome, Err(HandlerError::Retry(_))));
    }
}
