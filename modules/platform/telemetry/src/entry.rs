//! Where a program's part of a trace begins, and where it has come to.

use std::cell::Cell;

use kernel::TraceContext;
use tracing::Span;
use tracing_subscriber::{
    Registry,
    registry::{LookupSpan, SpanRef},
};

use crate::layer::Traced;

/// How a program's part of a trace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nobody asked: the trace begins here, under this id, which is not zero.
    Begins(u128),
    /// Another program asked, or this one at another time.
    Continues(TraceContext),
}

thread_local! {
    /// How the span begins that is being made.
    static NEXT: Cell<Option<Entry>> = const { Cell::new(None) };
}

/// Makes a span with which this program's part of a trace begins, whatever span it is made in.
pub fn entry(begins: Entry, make: impl FnOnce() -> Span) -> Span {
    let _outer = Outer(NEXT.replace(Some(begins)));
    make()
}

/// Restores what was there, even where making the span panics: the thread goes on with other work.
struct Outer(Option<Entry>);

impl Drop for Outer {
    fn drop(&mut self) {
        NEXT.set(self.0);
    }
}

/// How the span begins that is being made, if it is an entry. What is made within it is none.
pub(crate) fn next() -> Option<Entry> {
    NEXT.take()
}

/// What another program is told of where `span` stands; `None` where it is in no trace.
#[must_use]
pub fn position(span: &Span) -> Option<TraceContext> {
    let found = span.with_subscriber(|(id, dispatch)| {
        position_of(&dispatch.downcast_ref::<Registry>()?.span(id)?)
    });
    found.flatten()
}

/// The same for a layer, which cannot ask for the span that it is called in.
#[must_use]
pub fn position_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<TraceContext> {
    span.scope().find_map(|span| span.extensions().get::<Traced>().map(Traced::position))
}

/// Whether nothing has gone wrong so far in the part of a trace that this is called in, or it is in none.
/// From now on something has.
pub(crate) fn mark_faulty() -> bool {
    let marked = Span::current().with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|span| span.extensions().get::<Traced>().map(Traced::mark_faulty))
    });
    marked.flatten().unwrap_or(true)
}

/// [`position`] of the span that this is called in.
#[must_use]
pub fn here() -> Option<TraceContext> {
    position(&Span::current())
}
