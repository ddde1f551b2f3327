//! When something breaks on our side: the client learns that, and no more.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use serde_json::Value;
use telemetry::{
    Failed, FinishedSpan, Kind, Rate, TraceLayer, TraceSettings, TraceSink, Value as Span,
};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt};
use web::{Edge, Territory, Traffic};

use crate::support::{Answer, edge, send, send_to};

async fn trouble(path: &str) -> Answer {
    send(TestRequest::get().uri(&format!("/v1/trouble/{path}"))).await
}

#[actix_web::test]
async fn a_panic_is_500_with_the_trace_id() {
    let answer = trouble("panics").await;
    assert_json_snapshot!(answer);
}

#[actix_web::test]
async fn a_failure_of_ours_is_500_without_its_cause() {
    let answer = trouble("fails").await;
    assert_eq!((answer.status, answer.slug()), (500, "internal"));
    assert!(!answer.body.to_string().contains("secrets"));
}

#[actix_web::test]
async fn an_error_that_is_no_problem_becomes_one() {
    let answer = trouble("plain-text").await;
    assert_eq!((answer.status, answer.slug()), (409, "request-refused"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(!answer.body.to_string().contains("secrets"));
}

#[actix_web::test]
async fn a_request_that_takes_too_long_is_504() {
    let hasty = Edge { request_time: Duration::from_millis(1), ..edge() };
    let answer = send_to(&hasty, TestRequest::get().uri("/v1/trouble/hangs")).await;
    assert_json_snapshot!(answer);
}

#[actix_web::test]
async fn a_request_counts_whatever_becomes_of_it() {
    let kitchen = Territory { module: "kitchen", prefixes: &["/v1/trouble"], is_here: true };
    let traffic = Arc::new(Traffic::of([kitchen]));
    let hasty = Duration::from_millis(1);
    let hasty = Edge { traffic: Arc::clone(&traffic), request_time: hasty, ..edge() };
    for (counted, path) in (1..).zip(["fails", "panics", "hangs", "no-such-thing"]) {
        send_to(&hasty, TestRequest::get().uri(&format!("/v1/trouble/{path}"))).await;
        assert_eq!(traffic.read()[0].requests, counted, "{path}");
    }
}

#[actix_web::test]
async fn a_handler_sees_that_its_time_is_up() {
    let hasty = Edge { request_time: Duration::ZERO, ..edge() };
    let answer = send_to(&hasty, TestRequest::get().uri("/v1/trouble/visit")).await;
    assert_eq!(answer.body["has_time"], false);
}

#[actix_web::test]
async fn a_lost_call_says_whether_to_try_again() {
    for (failure, status, slug, retry_after) in [
        ("unavailable", 503, "unavailable", Some("2")),
        ("unknown", 503, "outcome-unknown", Some("2")),
        ("deadline", 504, "deadline-exceeded", Some("2")),
        ("incompatible", 502, "incompatible", None),
    ] {
        let answer = trouble(&format!("call/{failure}")).await;
        assert_eq!((answer.status, answer.slug()), (status, slug));
        assert_eq!(answer.header("retry-after"), retry_after, "{failure}");
        assert!(!answer.body.to_string().contains("internal_detail"));
    }
}

#[actix_web::test]
async fn a_store_that_fails_is_500_and_a_missing_row_404() {
    for (error, status, slug) in [("not-found", 404, "not-found"), ("other", 500, "internal")] {
        let answer = trouble(&format!("store/{error}")).await;
        assert_eq!((answer.status, answer.slug()), (status, slug));
        assert!(!answer.body.to_string().contains("secrets"));
    }
}

/// What is logged, one JSON record a line, and traced while the test holds the guard.
#[derive(Clone, Default)]
struct Told {
    lines: Arc<Mutex<Vec<u8>>>,
    spans: Arc<Mutex<Vec<FinishedSpan>>>,
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TraceSink for Told {
    fn take(&self, part: Vec<FinishedSpan>) {
        self.spans.lock().expect("not poisoned").extend(part);
    }
}

impl Told {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let told = self.clone();
        let traces = TraceLayer::new(TraceSettings {
            rate: Rate::ALL,
            failed: Failed::Kept,
            sinks: vec![Arc::new(self.clone())],
        });
        let lines = tracing_subscriber::fmt::layer().json().with_writer(move || told.clone());
        let lines = lines.with_filter(LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(traces.filtered()).with(lines);
        tracing::subscriber::set_default(subscriber)
    }

    fn records(&self) -> Vec<Value> {
        let text = self.lines.lock().expect("not poisoned");
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
    }

    /// The one request's span.
    fn request(&self) -> FinishedSpan {
        let spans = self.spans.lock().expect("not poisoned");
        let mut requests = spans.iter().filter(|span| span.kind == Kind::Server);
        let first = requests.next().expect("a request").clone();
        assert_eq!(requests.next(), None);
        first
    }
}

#[actix_web::test]
async fn what_went_wrong_is_logged_once_and_traced() {
    for (path, cause) in [("fails", "table `secrets` does not exist"), ("panics", "recipe is lost")]
    {
        let told = Told::default();
        let listening = told.listen();
        let answer = trouble(path).await;
        drop(listening);

        let records = told.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        let record = &records[0];
        assert_eq!(record["level"], "ERROR");
        assert!(record["fields"]["error"].as_str().is_some_and(|text| text.contains(cause)));
        let span = &record["span"];
        assert_eq!(span["http.request.method"], "GET");
        assert_eq!(span["http.response.status_code"], 500);

        let request = told.request();
        assert_eq!(request.name, format!("GET /v1/trouble/{path}"));
        assert_eq!(request.error(), Some(&Span::Text("internal".to_owned())));
        assert_eq!(request.notes[0].message, "request failed");
        assert_eq!(answer.body["trace_id"], format!("{:032x}", request.trace_id));
    }
}

#[actix_web::test]
async fn what_a_client_did_wrong_is_no_failure_of_a_span() {
    let told = Told::default();
    let listening = told.listen();
    assert_eq!(trouble("no-such-thing").await.status, 404);
    drop(listening);
    assert_eq!(told.request().error(), None);
}

#[actix_web::test]
async fn what_is_unavailable_is_a_warning() {
    let told = Told::default();
    let listening = told.listen();
    assert_eq!(trouble("call/unavailable").await.status, 503);
    drop(listening);
    let records = told.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["fields"]["problem.slug"], "unavailable");
    assert!(records[0]["fields"]["error"].is_string(), "its cause is told: {records:#?}");
}

#[actix_web::test]
async fn what_takes_too_long_is_known_by_its_route() {
    let told = Told::default();
    let listening = told.listen();
    let hasty = Edge { request_time: Duration::from_millis(1), ..edge() };
    send_to(&hasty, TestRequest::get().uri("/v1/trouble/hangs")).await;
    drop(listening);
    let request = told.request();
    assert_eq!(request.name, "GET /v1/trouble/hangs");
    assert_eq!(request.error(), Some(&Span::Text("deadline-exceeded".to_owned())));
}

#[actix_web::test]
async fn a_span_names_the_route_and_not_the_path() {
    let told = Told::default();
    let listening = told.listen();
    let id = "/v1/parts/0190c6a4-0000-7000-8000-000000000001";
    assert_eq!(send(TestRequest::get().uri(id)).await.status, 200);
    drop(listening);
    let records = told.records();
    assert_eq!(records[0]["span"]["http.route"], "/v1/parts/{id}");
    assert_eq!(records[0]["span"]["http.response.status_code"], 200);
}
