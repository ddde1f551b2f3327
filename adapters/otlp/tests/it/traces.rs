//! Spans come to a collector, and nobody waits for one that takes none.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use kernel::Secret;
use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use otlp::{Exported, OtlpConfig, OtlpTraces, QUEUE, Service};
use telemetry::{FinishedSpan, Kind, Note, Parent, TraceSink, Value};
use tokio::{net::TcpListener, runtime::Handle, task::spawn_blocking};
use wiremock::ResponseTemplate;

use crate::collector::Collector;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

fn service() -> Service {
    Service {
        name: "monolith".to_owned(),
        version: "1.2.3".to_owned(),
        instance: "one".to_owned(),
        environment: "test".to_owned(),
    }
}

/// How long a collector that answers may take; far longer than it does.
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

/// Sends only when it is told to.
fn exporter(endpoint: &str, patience: Duration) -> Arc<OtlpTraces> {
    let config = OtlpConfig {
        authorization: Some(Secret::new("Bearer of-a-collector")),
        every: Duration::from_secs(3_600),
        patience,
        ..OtlpConfig::new(endpoint)
    };
    Arc::new(
        OtlpTraces::new(&config, &service().resource(), Handle::current()).expect("an exporter"),
    )
}

async fn ended(exporter: &Arc<OtlpTraces>) -> Exported {
    let ending = Arc::clone(exporter);
    spawn_blocking(move || ending.shut_down(Duration::from_secs(5))).await.expect("an end");
    exporter.exported()
}

fn span(name: &'static str) -> FinishedSpan {
    FinishedSpan {
        trace_id: TRACE,
        span_id: 0x00f0_67aa_0ba9_02b7,
        parent: None,
        sampled: true,
        name: name.into(),
        kind: Kind::Server,
        began: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        took: Duration::from_millis(3),
        attributes: Vec::new(),
        notes: Vec::new(),
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_comes_to_the_collector_as_it_was() {
    let collector = Collector::answering(ResponseTemplate::new(200)).await;
    let exporter = exporter(&collector.url(), LONG);
    let failed = FinishedSpan {
        parent: Some(Parent { span_id: 7, is_remote: true }),
        sampled: false,
        attributes: vec![
            ("http.response.status_code", Value::Int(503)),
            ("error.type", Value::Text("unavailable".to_owned())),
        ],
        notes: vec![Note {
            after: Duration::from_millis(1),
            level: "WARN",
            message: "turned away".to_owned(),
            fields: vec![("duration_ms", Value::Int(1))],
        }],
        ..span("GET /v1/billing/plans")
    };
    exporter.take(vec![failed, span("second")]);
    assert_eq!(ended(&exporter).await, Exported { sent: 2, ..Exported::default() });

    let requests = collector.requests().await;
    assert_eq!(requests[0].headers["authorization"], "Bearer of-a-collector");
    assert_eq!(requests[0].headers["content-type"], "application/x-protobuf");
    let all = collector.spans().await;
    let [of_service] = &all[..] else { panic!("one service: {all:?}") };
    let resource = of_service.resource.as_ref().expect("a resource");
    for (key, value) in [
        ("service.name", "monolith"),
        ("service.version", "1.2.3"),
        ("service.instance.id", "one"),
        ("deployment.environment.name", "test"),
    ] {
        assert_eq!(text(&resource.attributes, key).as_deref(), Some(value));
    }
    let spans: &[Span] = &of_service.scope_spans[0].spans;
    let [failed, second] = spans else { panic!("two spans: {spans:?}") };
    assert_eq!(failed.trace_id, TRACE.to_be_bytes());
    assert_eq!(failed.span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(failed.parent_span_id, 7_u64.to_be_bytes());
    assert_eq!(failed.name, "GET /v1/billing/plans");
    assert_eq!(failed.kind(), SpanKind::Server);
    assert_eq!(failed.start_time_unix_nano, 1_000_000_000_000);
    assert_eq!(failed.end_time_unix_nano, 1_000_003_000_000);
    assert_eq!(text(&failed.attributes, "http.response.status_code").as_deref(), Some("503"));
    let status = failed.status.as_ref().expect("a status");
    assert_eq!((status.code(), &*status.message), (StatusCode::Error, "unavailable"));
    let [event] = &failed.events[..] else { panic!("one event: {failed:?}") };
    assert_eq!((&*event.name, event.time_unix_nano), ("turned away", 1_000_001_000_000));
    assert_eq!(text(&event.attributes, "level").as_deref(), Some("WARN"));
    assert!(second.parent_span_id.is_empty(), "{second:?}");
    assert_eq!(second.status.as_ref().map_or(0, |status| status.code), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_collector_that_is_slow_gone_or_says_no() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let slow = Collector::answering(slow).await;
    let no = Collector::answering(ResponseTemplate::new(400)).await;
    // A port that nobody listens on.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone_url = format!("http://{}", gone.local_addr().expect("its address"));
    drop(gone);
    for url in [slow.url(), no.url(), gone_url] {
        let exporter = exporter(&url, SHORT);
        let begun = Instant::now();
        exporter.take(vec![span("lost")]);
        assert!(begun.elapsed() < SHORT, "{url}: {:?}", begun.elapsed());
        let lost = Exported { lost: 1, ..Exported::default() };
        assert_eq!(ended(&exporter).await, lost, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_no_room_for_is_left_out_and_counted() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    let exporter = exporter(&url, LONG);
    for _ in 0..QUEUE {
        exporter.take(vec![span("one"), span("of"), span("many")]);
    }
    let Exported { sent, lost, left_out } = exporter.exported();
    assert_eq!((sent, lost), (0, 0), "nobody has answered yet");
    assert_eq!(left_out, 3 * (QUEUE as u64 - QUEUE as u64 / 3));
}
