//! What every answer carries: the trace, what browsers are told, who else may read it.

use actix_web::{http::Method, test::TestRequest};
use insta::assert_json_snapshot;
use web::{Edge, Encryption};

use crate::support::{edge, send, send_to};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn visit() -> TestRequest {
    TestRequest::get().uri("/v1/trouble/visit")
}

#[actix_web::test]
async fn an_answer_tells_browsers_to_be_careful() {
    assert_json_snapshot!(send(visit()).await.headers);
    let problem = send(TestRequest::get().uri("/nowhere")).await;
    assert_eq!(problem.header("cache-control"), Some("no-store"));
    assert_eq!(problem.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn browsers_are_told_to_keep_to_tls_only_where_there_is_tls() {
    assert_eq!(send(visit()).await.header("strict-transport-security"), None);
    let tls = Edge { encryption: Encryption::Tls, ..edge() };
    let answer = send_to(&tls, visit()).await;
    assert!(answer.header("strict-transport-security").is_some());
}

#[actix_web::test]
async fn the_public_is_not_told_how_long_things_take() {
    for request in [visit(), TestRequest::get().uri("/nowhere")] {
        assert_eq!(send(request).await.header("server-timing"), None);
    }
}

#[actix_web::test]
async fn a_handler_keeps_the_headers_that_it_set() {
    let answer = send(TestRequest::get().uri("/v1/trouble/own-headers")).await;
    assert_eq!(answer.header("content-security-policy"), Some("default-src 'self'"));
    assert_eq!(answer.header("cache-control"), Some("max-age=60"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
}

#[actix_web::test]
async fn the_clients_trace_is_continued() {
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let answer = send(visit().insert_header(("traceparent", traceparent))).await;
    assert_eq!(answer.header("x-request-id"), Some(TRACE));
    let inside = answer.body["traceparent"].as_str().expect("a traceparent").to_owned();
    assert!(inside.starts_with(&format!("00-{TRACE}-")), "{inside}");
    assert!(!inside.contains("00f067aa0ba902b7"), "the span is our own: {inside}");
}

#[actix_web::test]
async fn a_malformed_trace_is_replaced_by_a_new_one() {
    for malformed in ["", "nonsense", "00-0-0-00"] {
        let answer = send(visit().insert_header(("traceparent", malformed))).await;
        assert_eq!(answer.header("x-request-id"), Some("00000000000000000000000000000001"));
    }
}

fn from_origin(request: TestRequest, origin: &str) -> TestRequest {
    request.insert_header(("origin", origin.to_owned()))
}

fn with_site() -> Edge {
    let site = "https://app.example.com".parse().expect("an origin");
    Edge { origins: vec![site], ..edge() }
}

#[actix_web::test]
async fn a_listed_site_may_read_answers_and_problems() {
    for path in ["/v1/trouble/visit", "/nowhere", "/v1/trouble/panics"] {
        let request = from_origin(TestRequest::get().uri(path), "https://app.example.com");
        let answer = send_to(&with_site(), request).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://app.example.com"),
            "{path}"
        );
        assert!(answer.header("access-control-expose-headers").is_some());
    }
}

#[actix_web::test]
async fn another_site_may_not() {
    for edge in [edge(), with_site()] {
        let answer = send_to(&edge, from_origin(visit(), "https://evil.example.com")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

fn preflight(origin: &str) -> TestRequest {
    let request = TestRequest::with_uri("/v1/parts").method(Method::OPTIONS);
    from_origin(request, origin)
        .insert_header(("access-control-request-method", "POST"))
        .insert_header(("access-control-request-headers", "authorization,idempotency-key"))
}

#[actix_web::test]
async fn a_listed_site_may_ask_before_it_sends() {
    let answer = send_to(&with_site(), preflight("https://app.example.com")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
}

#[actix_web::test]
async fn another_site_that_asks_is_refused_with_a_problem() {
    let answer = send_to(&with_site(), preflight("https://evil.example.com")).await;
    assert_eq!((answer.status, answer.slug()), (400, "cors-refused"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
