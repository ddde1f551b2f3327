//! A report as the protocol has it.

use std::time::SystemTime;

use kernel::TraceContext;
use sentry::{
    Envelope,
    protocol::{
        Context, Event, Exception, Mechanism, SpanId, TraceContext as SentryTrace, TraceId, Values,
    },
    types::{
        Uuid,
        protocol::v7::{EnvelopeHeaders, Map},
    },
};
use telemetry::errors::{ErrorKind, ErrorReport, shape};

/// An envelope with one event.
pub(crate) fn envelope(report: ErrorReport, environment: &str) -> Envelope {
    let event = event(report, environment);
    let headers =
        EnvelopeHeaders::new().with_event_id(event.event_id).with_sent_at(SystemTime::now());
    let mut envelope = Envelope::new().with_headers(headers);
    envelope.add_item(event);
    envelope
}

/// Neither the machine nor any person is named, and no value that a message has in it: who needs it
/// finds it in the log, by the trace.
fn event(report: ErrorReport, environment: &str) -> Event<'static> {
    let ErrorReport { kind, message, causes, place, module, trace, .. } = report;
    let ErrorReport { fingerprint, at, program, release, suppressed, .. } = report;
    // The protocol wants the innermost first.
    let mut exceptions: Vec<Exception> = causes
        .iter()
        .rev()
        .map(|cause| Exception {
            ty: "cause".to_owned(),
            value: Some(shape(cause)),
            ..Exception::default()
        })
        .collect();
    exceptions.push(Exception {
        ty: format!("{} in {module}", kind.name()),
        value: Some(shape(&message)),
        module: Some(module.to_owned()),
        mechanism: Some(Mechanism {
            ty: kind.name().to_owned(),
            handled: Some(kind == ErrorKind::Error),
            ..Mechanism::default()
        }),
        ..Exception::default()
    });
    let tags = [
        ("kind", kind.name().to_owned()),
        ("module", module.to_owned()),
        ("program", program.to_owned()),
        ("place", place.clone()),
        ("fingerprint", fingerprint.to_string()),
        ("suppressed", suppressed.to_string()),
    ];
    Event {
        event_id: Uuid::new_v4(),
        fingerprint: vec![fingerprint.to_string().into()].into(),
        culprit: Some(place),
        platform: "native".into(),
        logger: Some(program.to_owned()),
        timestamp: at,
        release: Some(format!("{program}@{release}").into()),
        environment: Some(environment.to_owned().into()),
        exception: Values { values: exceptions },
        tags: tags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        contexts: trace.map(trace_context).into_iter().collect::<Map<_, _>>(),
        ..Event::default()
    }
}

fn trace_context(trace: TraceContext) -> (String, Context) {
    let TraceContext { trace_id, span_id, .. } = trace;
    let trace = SentryTrace {
        trace_id: TraceId::from(trace_id.to_be_bytes()),
        span_id: SpanId::from(span_id.to_be_bytes()),
        ..SentryTrace::default()
    };
    ("trace".to_owned(), trace.into())
}
