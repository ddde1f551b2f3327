//! Idempotency keys, hashes and replayed answers.

use actix_web::{
    App,
    test::{self, TestRequest},
    web as actix,
};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use web::{Problem, Replayed, StatusCode};

use crate::support::{Answer, post_json, send};

const GOOD: &str = r#"{"name":"lintel","sizes":[]}"#;

fn charge(body: &str) -> TestRequest {
    post_json("/v1/parts/charge", body).insert_header(("idempotency-key", "order-17"))
}

#[actix_web::test]
async fn the_key_is_needed() {
    let answer = send(post_json("/v1/parts/charge", GOOD)).await;
    assert_eq!((answer.status, answer.slug()), (400, "idempotency-key-missing"));
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn a_key_is_1_to_255_visible_characters() {
    let with_key = |key: &str| charge(GOOD).insert_header(("idempotency-key", key.to_owned()));
    for bad in ["", " ", "two words", &"x".repeat(256)] {
        let answer = send(with_key(bad)).await;
        assert_eq!((answer.status, answer.slug()), (400, "idempotency-key-invalid"), "{bad}");
    }
    let twice = send(charge(GOOD).append_header(("idempotency-key", "another"))).await;
    assert_eq!(twice.slug(), "idempotency-key-invalid");
    let longest = "x".repeat(255);
    assert_eq!(send(with_key(&longest)).await.body["key"], longest);
}

async fn hash(request: TestRequest) -> Value {
    let answer: Answer = send(request).await;
    assert_eq!(answer.body["same"], true, "{answer:#?}");
    answer.body["hash"].clone()
}

#[actix_web::test]
async fn the_hash_tells_requests_apart() {
    let first = hash(charge(GOOD)).await;
    assert_eq!(hash(charge(GOOD)).await, first);
    assert_ne!(hash(charge(&GOOD.replace("lintel", "corbel"))).await, first);
    assert_ne!(hash(charge(GOOD).uri("/v1/parts/charge?test=1")).await, first);
}

async fn replay(replayed: Replayed) -> (u16, Option<String>, Value) {
    let app = test::init_service(App::new().default_service(actix::to(move || {
        let replayed = replayed.clone();
        async move { replayed }
    })))
    .await;
    let response = test::call_service(&app, TestRequest::get().to_request()).await;
    let mark = response.headers().get("idempotent-replayed").expect("the mark");
    assert_eq!(mark, "true");
    let header = response.headers().get("content-type");
    let content_type = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    (status, content_type, serde_json::from_slice(&body).unwrap_or_default())
}

#[actix_web::test]
async fn a_result_is_replayed_as_it_was() {
    let body = json!({ "id": 17 });
    let answer = replay(Replayed { status: 201, body: body.clone() }).await;
    assert_eq!(answer, (201, Some("application/json".to_owned()), body));
    let (status, _, body) = replay(Replayed { status: 204, body: Value::Null }).await;
    assert_eq!((status, body), (204, Value::Null));
}

#[actix_web::test]
async fn a_problem_is_replayed_as_it_was() {
    let declined = Problem::new(StatusCode::PAYMENT_REQUIRED, "card-declined", "Declined")
        .detail("The bank said no.")
        .with("decline_reason", "generic");
    let stored = declined.to_json();
    let answer = replay(Replayed { status: 402, body: stored.clone() }).await;
    assert_eq!(answer, (402, Some("application/problem+json".to_owned()), stored));
}

#[actix_web::test]
async fn a_replayed_problem_has_the_trace_id_of_the_repetition() {
    let answer = send(TestRequest::get().uri("/v1/trouble/replayed")).await;
    assert_eq!((answer.status, answer.slug()), (402, "card-declined"));
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    assert_eq!(answer.body["trace_id"].as_str(), answer.header("x-request-id"));
}

#[actix_web::test]
async fn what_no_answer_can_be_is_an_honest_500() {
    let (status, _, body) = replay(Replayed { status: 9_999, body: Value::Null }).await;
    assert_eq!((status, body["type"].as_str()), (500, Some("urn:ashlar:problem:internal")));
}
