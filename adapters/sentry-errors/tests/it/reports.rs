//! What of a report comes to the tracker, and what does not.

use sentry::protocol::{Context, Level};
use telemetry::errors::{ErrorKind, ErrorReport, ErrorTracker};
use wiremock::ResponseTemplate;

use crate::support::{LONG, TRACE, Tracker, connected, ended, report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_comes_to_the_tracker_as_an_event() {
    let server = Tracker::answering(vec![ResponseTemplate::new(200)]).await;
    let tracker = connected(&server.dsn(), LONG);
    let error = report();
    tracker.report(error.clone());
    tracker.report(ErrorReport { kind: ErrorKind::Panic, trace: None, ..report() });
    ended(&tracker).await;

    let requests = server.requests().await;
    let auth = requests[0].headers["x-sentry-auth"].to_str().expect("a header in ASCII");
    assert!(auth.starts_with("Sentry ") && auth.contains("sentry_key=the-public-key"), "{auth}");
    assert_eq!(requests[0].headers["content-type"], "application/x-sentry-envelope");

    let events = server.events().await;
    let [event, panic] = &events[..] else { panic!("two events: {events:#?}") };
    assert_eq!(event.level, Level::Error);
    assert_eq!(event.fingerprint[..], [error.fingerprint.to_string()]);
    assert_eq!(event.timestamp, error.at);
    assert_eq!(event.release.as_deref(), Some("monolith@1.2.3"));
    assert_eq!(event.environment.as_deref(), Some("test"));
    assert_eq!(event.culprit.as_deref(), Some("POST /v1/billing/subscriptions"));
    for (name, value) in
        [("module", "billing"), ("kind", "error"), ("program", "monolith"), ("suppressed", "3")]
    {
        assert_eq!(event.tags.get(name).map(String::as_str), Some(value), "{name}");
    }
    let said: Vec<_> = event.exception.values.iter().map(|said| said.value.as_deref()).collect();
    let expected =
        ["the disk is full", "the database of billing failed", "charge # of # cannot be settled"];
    assert_eq!(said, expected.map(Some));
    let Some(Context::Trace(trace)) = event.contexts.get("trace") else { panic!("{event:#?}") };
    assert_eq!(trace.trace_id.to_string(), format!("{:032x}", TRACE.trace_id));
    assert_eq!(trace.span_id.to_string(), format!("{:016x}", TRACE.span_id));

    let mechanism = panic.exception.values[2].mechanism.as_ref().expect("a mechanism");
    assert_eq!((&*mechanism.ty, mechanism.handled), ("panic", Some(false)));
    assert!(panic.contexts.is_empty(), "{panic:#?}");
    assert_ne!(event.event_id, panic.event_id);
}
