//! A test for each kind of bad input: a problem with a stable type, and nothing of ours in it.

use actix_web::{http::Method, test::TestRequest};
use insta::assert_json_snapshot;

use crate::support::{Answer, edge, post_json, send, send_to};

const GOOD: &str = r#"{"name":"lintel","sizes":[{"millimetres":5}]}"#;

#[track_caller]
fn check(answer: &Answer, status: u16, slug: &str) {
    assert_eq!((answer.status, answer.slug()), (status, slug), "{answer:#?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.body["status"], status);
    assert_eq!(answer.body["trace_id"].as_str(), answer.header("x-request-id"));
}

#[actix_web::test]
async fn good_input_is_taken() {
    assert_eq!(send(post_json("/v1/parts", GOOD)).await.status, 201);
}

#[actix_web::test]
async fn malformed_json_is_400_with_the_position() {
    let answer = send(post_json("/v1/parts", "{\"name\": \"lintel\",\n \"sizes\": [}")).await;
    check(&answer, 400, "malformed-json");
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn malformed_json_in_any_form_is_400() {
    for body in ["", " ", "{", "nul", "{}{}", "{\"name\":\"\\ud800\"}"] {
        check(&send(post_json("/v1/parts", body)).await, 400, "malformed-json");
    }
    let not_utf8 = TestRequest::post()
        .uri("/v1/parts")
        .insert_header(("content-type", "application/json"))
        .set_payload(b"{\"name\": \"\xff\"}".as_slice());
    check(&send(not_utf8).await, 400, "malformed-json");
}

#[actix_web::test]
async fn deep_nesting_is_not_followed() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    check(&send(post_json("/v1/parts", &deep)).await, 422, "invalid-body");
    check(&send(post_json("/v1/trouble/anything", &deep)).await, 400, "malformed-json");
    assert_eq!(send(post_json("/v1/trouble/anything", "[[[]]]")).await.status, 200);
}

#[actix_web::test]
async fn an_unknown_field_is_422_and_named() {
    let body = r#"{"name":"lintel","sizes":[{"millimetres":5,"inches":2}]}"#;
    let answer = send(post_json("/v1/parts", body)).await;
    check(&answer, 422, "invalid-body");
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn a_missing_field_is_422_and_named() {
    let answer = send(post_json("/v1/parts", r#"{"sizes":[]}"#)).await;
    check(&answer, 422, "invalid-body");
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn an_invalid_value_is_422_with_its_path_and_not_repeated() {
    let body = r#"{"name":"lintel","sizes":[{"millimetres":5},{"millimetres":"hunter2"}]}"#;
    let answer = send(post_json("/v1/parts", body)).await;
    check(&answer, 422, "invalid-body");
    assert_json_snapshot!(answer.body);
    assert!(!answer.body.to_string().contains("hunter2"));
}

#[actix_web::test]
async fn a_value_out_of_range_is_422() {
    for value in ["-1", "4294967296", "1.5", "null"] {
        let body = format!(r#"{{"name":"lintel","sizes":[{{"millimetres":{value}}}]}}"#);
        let answer = send(post_json("/v1/parts", &body)).await;
        check(&answer, 422, "invalid-body");
        assert_eq!(answer.body["errors"][0]["pointer"], "#/sizes/0/millimetres", "{value}");
    }
}

#[actix_web::test]
async fn an_oversized_body_is_413_with_the_limit() {
    let body = format!(r#"{{"name":"{}","sizes":[]}}"#, "x".repeat(5_000));
    let answer = send(post_json("/v1/parts", &body)).await;
    check(&answer, 413, "body-too-large");
    assert_json_snapshot!(answer.body);

    let roomy = web::Edge { body_limit: body.len(), ..edge() };
    assert_eq!(send_to(&roomy, post_json("/v1/parts", &body)).await.status, 201);
    let tight = web::Edge { body_limit: body.len() - 1, ..edge() };
    check(&send_to(&tight, post_json("/v1/parts", &body)).await, 413, "body-too-large");
}

#[actix_web::test]
async fn a_body_that_claims_to_be_too_long_is_413_before_it_is_read() {
    let request = post_json("/v1/parts", GOOD).insert_header(("content-length", "99999999999"));
    check(&send(request).await, 413, "body-too-large");
}

#[actix_web::test]
async fn a_wrong_content_type_is_415() {
    let answer = send(post_json("/v1/parts", GOOD).insert_header(("content-type", "text/plain")));
    let answer = answer.await;
    check(&answer, 415, "unsupported-media-type");
    assert_json_snapshot!(answer.body);

    let without = TestRequest::post().uri("/v1/parts").set_payload(GOOD);
    check(&send(without).await, 415, "unsupported-media-type");
}

#[actix_web::test]
async fn json_is_known_by_any_of_its_names() {
    for content_type in
        ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
    {
        let request = post_json("/v1/parts", GOOD).insert_header(("content-type", content_type));
        assert_eq!(send(request).await.status, 201, "{content_type}");
    }
}

#[actix_web::test]
async fn a_compressed_body_is_415_and_not_unpacked() {
    let request = post_json("/v1/parts", GOOD).insert_header(("content-encoding", "gzip"));
    let answer = send(request).await;
    check(&answer, 415, "unsupported-media-type");
    assert_eq!(answer.header("accept-encoding"), Some("identity"));
}

#[actix_web::test]
async fn an_invalid_id_in_the_path_is_400_and_names_the_parameter() {
    let answer = send(TestRequest::get().uri("/v1/parts/17")).await;
    check(&answer, 400, "invalid-parameter");
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn an_invalid_query_is_400_and_names_the_parameter() {
    let answer = send(TestRequest::get().uri("/v1/parts?limit=many")).await;
    check(&answer, 400, "invalid-parameter");
    assert_json_snapshot!(answer.body);

    let unknown = send(TestRequest::get().uri("/v1/parts?limit=5&lmit=6")).await;
    check(&unknown, 400, "invalid-parameter");
    assert!(unknown.body["detail"].as_str().is_some_and(|detail| detail.contains("`lmit`")));

    let cursor = send(TestRequest::get().uri("/v1/parts?cursor=made-up")).await;
    check(&cursor, 400, "invalid-parameter");
    assert_eq!(send(TestRequest::get().uri("/v1/parts?limit=5")).await.body["size"], 5);
}

#[actix_web::test]
async fn an_unknown_route_is_404() {
    for path in ["/", "/v1", "/v1/part", "/v1/parts/17/sizes", "/v1/parts/", "/%00", "/v1//parts"] {
        check(&send(TestRequest::get().uri(path)).await, 404, "not-found");
    }
    assert_json_snapshot!(send(TestRequest::get().uri("/v2/parts")).await.body);
}

#[actix_web::test]
async fn an_unknown_id_is_404_like_an_unknown_route() {
    let path = "/v1/parts/00000000-0000-0000-0000-000000000000";
    check(&send(TestRequest::get().uri(path)).await, 404, "not-found");
}

#[actix_web::test]
async fn a_wrong_method_is_405_and_told_the_right_ones() {
    let answer = send(TestRequest::delete().uri("/v1/parts")).await;
    check(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    assert_json_snapshot!(answer.body);

    // Two resources fit this path: one by its own name and one by a parameter.
    let answer = send(TestRequest::patch().uri("/v1/parts/charge")).await;
    check(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT"));

    let trace = TestRequest::with_uri("/v1/parts").method(Method::TRACE);
    check(&send(trace).await, 405, "method-not-allowed");
}
