//! Which spans and events the layer hears of.

use tracing::{Level, Metadata, subscriber::Interest};
use tracing_subscriber::{
    filter::LevelFilter,
    layer::{Context, Filter},
};

use crate::conventions::SPAN_KIND;

/// What the layer asks for.
pub struct TraceFilter(pub(crate) Listening);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// To spans of traces, to warnings and to errors.
    ToAll,
    /// To spans that say where in a trace something is.
    ToPlaces,
}

impl TraceFilter {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        match self.0 {
            Listening::ToAll if is_of_a_trace(metadata) => level <= Level::DEBUG,
            Listening::ToAll => metadata.is_event() && level <= Level::WARN,
            Listening::ToPlaces => is_of_a_trace(metadata) && level <= Level::INFO,
        }
    }
}

impl<S> Filter<S> for TraceFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    /// Never once and for all. What a filter said last is kept by the thread until a span or an event
    /// comes of it, and none does where a library only asks, as the `log` crate does: without being
    /// asked again, the next span would be taken for one that is not wanted.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    /// Without it, whatever libraries have to say would be looked at one by one.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.0 {
            Listening::ToAll => LevelFilter::DEBUG,
            Listening::ToPlaces => LevelFilter::INFO,
        })
    }
}

/// A span that says its kind.
fn is_of_a_trace(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field(SPAN_KIND).is_some()
}
