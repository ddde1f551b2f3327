//! What a trace tells of events on their way.

use kernel::{Envelope, EventId, TraceContext};
use seam::{CallFailure, Receipt};
use telemetry::{Entry, conventions::ERROR_TYPE};
use tracing::{Span, field};

/// The spans of events that are handed over together, each in the trace of what caused it.
pub(super) struct Sending(Vec<(EventId, Span)>);

impl Sending {
    pub(super) fn of(envelopes: &[Envelope], destination: &str) -> Self {
        let span = |envelope: &Envelope| Some((envelope.id, span(envelope, destination)?));
        Self(envelopes.iter().filter_map(span).collect())
    }

    /// Each ends as the handing over did.
    pub(super) fn end(self, published: &Result<Receipt, CallFailure>) {
        for (id, span) in self.0 {
            match published {
                Ok(receipt) if receipt.taken.contains(&id) => {}
                Ok(_) => _ = span.record(ERROR_TYPE, "not_taken"),
                Err(failure) => _ = span.record(ERROR_TYPE, failure.kind()),
            }
        }
    }
}

/// None where nobody knows what caused the event.
fn span(envelope: &Envelope, destination: &str) -> Option<Span> {
    let caused_by = TraceContext::from_traceparent(envelope.traceparent.as_deref()?)?;
    Some(telemetry::entry(Entry::Continues(caused_by), || {
        tracing::debug_span!(
            "event.send",
            otel.kind = "producer",
            otel.name = format_args!("send {} to {destination}", envelope.event_type),
            messaging.system = "ashlar",
            messaging.operation.name = "send",
            messaging.operation.type = "send",
            messaging.destination.name = destination,
            messaging.message.id = %envelope.id,
            error.type = field::Empty,
        )
    }))
}
