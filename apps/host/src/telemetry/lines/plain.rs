//! Lines for people.

use std::{
    error::Error,
    fmt::{self, Write as _},
};

use kernel::{TraceContext, with_causes};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use super::{MESSAGE, is_shown, position};

/// For people: time, level, text, and `name=value`.
pub(in crate::telemetry) struct PlainLines;

/// Fields as ` name=value`.
pub(in crate::telemetry) struct PlainFields;

impl<S> FormatEvent<S, PlainFields> for PlainLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, PlainFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut line)?;
        let of_log = event.normalized_metadata();
        write_level(&mut line, of_log.as_ref().unwrap_or(event.metadata()).level())?;
        PlainFields.format_fields(line.by_ref(), event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<PlainFields>>() {
                line.write_str(fields)?;
            }
        }
        if let Some(TraceContext { trace_id, span_id, .. }) = position(context) {
            write!(line, " trace_id={trace_id:032x} span_id={span_id:016x}")?;
        }
        line.write_char('\n')
    }
}

fn write_level(line: &mut Writer<'_>, level: &Level) -> fmt::Result {
    if !line.has_ansi_escapes() {
        return write!(line, " {level:>5}");
    }
    let colour = match *level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 2,
    };
    write!(line, " \u{1b}[{colour}m{level:>5}\u{1b}[0m")
}

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut plain = PlainVisitor { writer, outcome: Ok(()) };
        fields.record(&mut plain);
        plain.outcome
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

struct PlainVisitor<'w> {
    writer: Writer<'w>,
    outcome: fmt::Result,
}

impl PlainVisitor<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.outcome.is_err() || !is_shown(field) {
            return;
        }
        let begun = match field.name() {
            MESSAGE => self.writer.write_char(' '),
            name => write!(self.writer, " {name}="),
        };
        self.outcome = begun.and_then(|()| OneLine(&mut self.writer).write_fmt(value));
    }
}

impl Visit for PlainVisitor<'_> {
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write(field, format_args!("{}", with_causes(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // In quotes where words would run into those of others.
        if field.name() == MESSAGE || !value.contains([' ', '"', '=']) {
            self.write(field, format_args!("{value}"));
        } else {
            self.write(field, format_args!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

/// Escapes what would end a line, or tell a terminal what to do: what clients send is no line of ours.
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            match part.char_indices().next_back() {
                Some((at, last)) if last.is_control() => {
                    self.0.write_str(&part[..at])?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                _ => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}
