//! A span as OpenTelemetry has it.

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Event, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use telemetry::{FinishedSpan, Kind, Note, Value};

/// A span's own context came from nowhere.
const OUR_OWN: bool = false;

/// What is handed over was kept, so it goes as sampled.
pub(crate) fn of(span: FinishedSpan, scope: &InstrumentationScope) -> SpanData {
    let status = match span.error() {
        Some(Value::Text(class)) => Status::error(class.clone()),
        Some(_) => Status::error(""),
        None => Status::Unset,
    };
    let FinishedSpan { trace_id, span_id, parent, began, took, attributes, notes, .. } = span;
    let mut events = SpanEvents::default();
    events.events = notes
        .into_iter()
        .map(|Note { after, level, message, fields }| {
            let mut fields = key_values(fields);
            fields.push(KeyValue::new("level", level));
            Event::new(message, began + after, fields, 0)
        })
        .collect();
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(trace_id),
            SpanId::from(span_id),
            TraceFlags::SAMPLED,
            OUR_OWN,
            TraceState::default(),
        ),
        parent_span_id: parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.span_id)),
        parent_span_is_remote: parent.is_some_and(|parent| parent.is_remote),
        span_kind: kind(span.kind),
        name: span.name,
        start_time: began,
        end_time: began + took,
        attributes: key_values(attributes),
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status,
        instrumentation_scope: scope.clone(),
    }
}

fn key_values(fields: Vec<(&'static str, Value)>) -> Vec<KeyValue> {
    let key_value = |(name, value)| match value {
        Value::Bool(value) => KeyValue::new(name, value),
        Value::Int(value) => KeyValue::new(name, value),
        Value::Float(value) => KeyValue::new(name, value),
        Value::Text(value) => KeyValue::new(name, value),
    };
    fields.into_iter().map(key_value).collect()
}

const fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}
