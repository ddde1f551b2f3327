//! When something breaks on our side: the client learns that, and no more.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use serde_json::Value;
use web::Edge;

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

/// What is logged while the test holds the guard, one JSON record a line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn records(&self) -> Vec<Value> {
        let text = self.0.lock().expect("not poisoned");
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
    }
}

#[actix_web::test]
async fn what_went_wrong_is_logged_once_with_the_trace_id() {
    for (path, cause) in [("fails", "table `secrets` does not exist"), ("panics", "recipe is lost")]
    {
        let log = Log::default();
        let listening = log.listen();
        trouble(path).await;
        drop(listening);

        let records = log.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        let record = &records[0];
        assert_eq!(record["level"], "ERROR");
        assert!(record["fields"]["error"].as_str().is_some_and(|text| text.contains(cause)));
        let span = &record["span"];
        assert_eq!(span["trace_id"], "00000000000000000000000000000001");
        assert_eq!(span["http.request.method"], "GET");
        assert_eq!(span["http.response.status_code"], 500);
    }
}

#[actix_web::test]
async fn what_is_unavailable_is_a_warning() {
    let log = Log::default();
    let listening = log.listen();
    assert_eq!(trouble("call/unavailable").await.status, 503);
    drop(listening);
    let records = log.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["fields"]["problem.slug"], "unavailable");
    assert!(records[0]["fields"]["error"].is_string(), "its cause is told: {records:#?}");
}

#[actix_web::test]
async fn a_span_names_the_route_and_not_the_path() {
    let log = Log::default();
    let listening = log.listen();
    let id = "/v1/parts/0190c6a4-0000-7000-8000-000000000001";
    assert_eq!(send(TestRequest::get().uri(id)).await.status, 200);
    drop(listening);
    let records = log.records();
    assert_eq!(records[0]["span"]["http.route"], "/v1/parts/{id}");
    assert_eq!(records[0]["span"]["http.response.status_code"], 200);
}
