//! Listens to the program's spans.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use kernel::TraceContext;
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::Filtered,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::{
    Entry, FinishedSpan, Note, Parent, Rate, TraceSink, Value, entry,
    errors::ErrorDesk,
    fields::Fields,
    filter::{Listening, TraceFilter},
    part::{Part, Parts},
};

pub use crate::part::Figures;

/// Of what was logged within a span, the most that is kept with it.
const MOST_NOTES: usize = 8;

/// What is kept, and who takes it.
pub struct TraceSettings {
    /// Which of the traces that begin here are kept whatever comes of them.
    pub rate: Rate,
    /// What becomes of the others' parts that fail.
    pub failed: Failed,
    /// Who takes what is kept. Where nobody does, nothing is recorded.
    pub sinks: Vec<Arc<dyn TraceSink>>,
}

/// What becomes of parts of traces that fail, and that are not kept anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failed {
    /// They are kept. Since everything may fail, everything is recorded until it has not.
    #[default]
    Kept,
    /// They are forgotten as all others are.
    Forgotten,
}

/// Knows each span's place in its trace, and hands on what is kept. Cheap to clone.
#[derive(Clone)]
pub struct TraceLayer {
    parts: Arc<Parts>,
    rate: Rate,
    failed: Failed,
    desk: Option<Arc<ErrorDesk>>,
}

/// [`TraceLayer::filtered`].
pub type FilteredTraceLayer<S> = Filtered<TraceLayer, TraceFilter, S>;

/// A span of a trace, while it lasts.
pub(crate) struct Traced {
    part: Arc<Part>,
    span_id: u64,
    parent: Option<Parent>,
    role: Role,
    /// [`Part::age`] when it began.
    began: u64,
    /// The same when it was last left; 0 where it never was.
    left: AtomicU64,
    /// Nothing where it is forgotten in any case.
    recorded: Option<Box<Recorded>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The part ends with it.
    First,
    Further,
}

#[derive(Default)]
struct Recorded {
    fields: Fields,
    notes: Vec<Note>,
}

impl TraceLayer {
    /// For one program.
    #[must_use]
    pub fn new(settings: TraceSettings) -> Self {
        let TraceSettings { rate, failed, sinks } = settings;
        Self { parts: Arc::new(Parts::new(sinks)), rate, failed, desk: None }
    }

    /// Leads to `desk` what goes wrong wherever this layer listens.
    #[must_use]
    pub fn leading_to(self, desk: Arc<ErrorDesk>) -> Self {
        Self { desk: Some(desk), ..self }
    }

    pub(crate) fn desk(&self) -> Option<Arc<ErrorDesk>> {
        self.desk.clone()
    }

    /// The layer with the filter that it needs, whatever the log shows: it asks for all spans of
    /// traces, and for warnings and errors. Where nobody takes what is kept, spans at the levels
    /// `DEBUG` and below are of no use, and are not made.
    #[must_use]
    pub fn filtered<S>(&self) -> FilteredTraceLayer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let listening = if self.parts.has_sinks() { Listening::ToAll } else { Listening::ToPlaces };
        self.clone().with_filter(TraceFilter(listening))
    }

    /// What became of traces so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.parts.figures()
    }

    /// A span that an entry makes.
    fn first(&self, begins: Entry) -> Traced {
        let (trace_id, sampled, parent) = match begins {
            Entry::Begins(trace_id) => (trace_id, self.rate.keeps(trace_id), None),
            Entry::Continues(from) => {
                let parent = Parent { span_id: from.span_id, is_remote: true };
                (from.trace_id, from.sampled, Some(parent))
            }
        };
        let part = Part::new(trace_id, sampled, Arc::clone(&self.parts));
        self.traced(Arc::new(part), parent, Role::First)
    }

    fn traced(&self, part: Arc<Part>, parent: Option<Parent>, role: Role) -> Traced {
        let may_be_kept = part.sampled || self.failed == Failed::Kept;
        let recorded = (may_be_kept && self.parts.has_sinks()).then(Box::default);
        Traced {
            began: part.age(),
            span_id: rand::random::<u64>().max(1),
            left: AtomicU64::new(0),
            part,
            parent,
            role,
            recorded,
        }
    }
}

impl<S> Layer<S> for TraceLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let begins = entry::next();
        let traced = match begins {
            Some(begins) => Some(self.first(begins)),
            None => around(&span, |outer| {
                let parent = Parent { span_id: outer.span_id, is_remote: false };
                self.traced(Arc::clone(&outer.part), Some(parent), Role::Further)
            }),
        };
        // What happens in no trace, such as the look for work that is not there, begins none.
        let Some(mut traced) = traced else { return };
        if let Some(recorded) = &mut traced.recorded {
            recorded.fields = Fields::with_room_for(attributes.metadata().fields().len());
            attributes.record(&mut recorded.fields);
        }
        span.extensions_mut().insert(traced);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let traced = extensions.get_mut::<Traced>();
        if let Some(recorded) = traced.and_then(|traced| traced.recorded.as_mut()) {
            values.record(&mut recorded.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(mut scope) = context.event_scope(event) else { return };
        let Some(span) = scope.find(|span| span.extensions().get::<Traced>().is_some()) else {
            return;
        };
        // Before anything is locked: what shows a field may log as well.
        let mut note = note(event);
        let mut extensions = span.extensions_mut();
        let Some(traced) = extensions.get_mut::<Traced>() else { return };
        note.after = Duration::from_nanos(traced.part.age().saturating_sub(traced.began));
        if let Some(recorded) = traced.recorded.as_mut()
            && recorded.notes.len() < MOST_NOTES
        {
            recorded.notes.push(note);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let extensions = span.extensions();
        if let Some(traced) = extensions.get::<Traced>().filter(|it| it.recorded.is_some()) {
            traced.left.store(traced.part.age(), Relaxed);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(traced) = span.extensions_mut().remove::<Traced>() else { return };
        traced.end(span.name());
    }
}

/// What is made of the span of a trace that `span` is in.
fn around<'a, S: LookupSpan<'a>, T>(
    span: &SpanRef<'a, S>,
    make: impl FnOnce(&Traced) -> T,
) -> Option<T> {
    for outer in span.scope().skip(1) {
        let extensions = outer.extensions();
        if let Some(traced) = extensions.get::<Traced>() {
            return Some(make(traced));
        }
    }
    None
}

fn note(event: &Event<'_>) -> Note {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut message = String::new();
    let mut others = fields.attributes;
    if let Some(at) = others.iter().position(|(name, _)| *name == MESSAGE)
        && let (_, Value::Text(text)) = others.remove(at)
    {
        message = text;
    }
    let level = event.metadata().level().as_str();
    Note { after: Duration::ZERO, level, message, fields: others }
}

/// The field that macros put an event's text in.
const MESSAGE: &str = "message";

impl Traced {
    /// What another program is told.
    pub(crate) fn position(&self) -> TraceContext {
        let Part { trace_id, sampled, .. } = *self.part;
        TraceContext { trace_id, span_id: self.span_id, sampled }
    }

    pub(crate) fn mark_faulty(&self) -> bool {
        self.part.mark_faulty()
    }

    fn end(self, name: &'static str) {
        let Some(recorded) = self.recorded else {
            if self.role == Role::First {
                self.part.forget();
            }
            return;
        };
        let Recorded { fields, notes } = *recorded;
        let left = self.left.load(Relaxed);
        // A span that nothing was done in lasted until it was dropped.
        let ended = if left == 0 { self.part.age() } else { left };
        let span = FinishedSpan {
            trace_id: self.part.trace_id,
            span_id: self.span_id,
            parent: self.parent,
            sampled: self.part.sampled,
            name: fields.name.unwrap_or(name.into()),
            kind: fields.kind,
            began: self.part.time_at(self.began),
            took: Duration::from_nanos(ended.saturating_sub(self.began)),
            attributes: fields.attributes,
            notes,
        };
        match self.role {
            Role::First => self.part.close(span),
            Role::Further => self.part.add(span),
        }
    }
}
