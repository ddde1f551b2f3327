//! Lines for machines.

use std::{error::Error, fmt};

use kernel::{TraceContext, with_causes};
use serde_json::Value;
use tracing::{
    Event, Subscriber,
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

use super::{is_shown, position};

/// One JSON object a line: time, level, target, ids, text, the event's fields, and the spans that it
/// is in, the outermost first.
pub(in crate::telemetry) struct JsonLines;

/// Fields as `,"name":value`.
pub(in crate::telemetry) struct JsonFields;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let of_log = event.normalized_metadata();
        let metadata = of_log.as_ref().unwrap_or(event.metadata());
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        write!(line, "\",\"level\":\"{}\",\"target\":\"{}\"", metadata.level(), metadata.target())?;
        if let Some(TraceContext { trace_id, span_id, .. }) = position(context) {
            write!(line, ",\"trace_id\":\"{trace_id:032x}\",\"span_id\":\"{span_id:016x}\"")?;
        }
        JsonFields.format_fields(line.by_ref(), event)?;
        let mut separator = ",\"spans\":[";
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            write!(line, "{separator}{{\"name\":\"{}\"", span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                line.write_str(fields)?;
            }
            line.write_char('}')?;
            separator = ",";
        }
        line.write_str(if separator == "," { "]}\n" } else { "}\n" })
    }
}

impl<'w> FormatFields<'w> for JsonFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut json = JsonVisitor { writer, outcome: Ok(()) };
        fields.record(&mut json);
        json.outcome
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

struct JsonVisitor<'w> {
    writer: Writer<'w>,
    outcome: fmt::Result,
}

impl JsonVisitor<'_> {
    fn write(&mut self, field: &Field, value: &Value) {
        if self.outcome.is_ok() && is_shown(field) {
            self.outcome = write!(self.writer, ",\"{}\":{value}", field.name());
        }
    }
}

impl Visit for JsonVisitor<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, &value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, &value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, &value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, &value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write(field, &with_causes(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format!("{value:?}").into());
    }
}
