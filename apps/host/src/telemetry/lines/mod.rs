//! How a line of the log is written: one line for each event, whatever is in it, with the ids of the
//! trace that it belongs to.

mod json;
mod plain;
#[cfg(test)]
mod tests;

use kernel::TraceContext;
use tracing::{Subscriber, field::Field};
use tracing_subscriber::{
    fmt::{FmtContext, FormatFields},
    registry::LookupSpan,
};

pub(super) use self::{
    json::{JsonFields, JsonLines},
    plain::{PlainFields, PlainLines},
};

/// The field that an event's text is in.
const MESSAGE: &str = "message";

/// Whether a field is for the log. Some are for traces alone, and some say where a line of the `log`
/// crate is from, as the line itself does.
fn is_shown(field: &Field) -> bool {
    !["otel.", "log."].iter().any(|prefix| field.name().starts_with(prefix))
}

/// Where the event stands, as far as the log shows spans.
fn position<S, N>(context: &FmtContext<'_, S, N>) -> Option<TraceContext>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    telemetry::position_of(&context.event_scope()?.next()?)
}
