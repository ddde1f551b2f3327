//! Who calls, and what is told to those who may not.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;

use crate::support::{Answer, post_json, send};

fn whoami(token: &str) -> TestRequest {
    TestRequest::get()
        .uri("/v1/trouble/whoami")
        .insert_header(("authorization", format!("Bearer {token}")))
}

#[track_caller]
fn check_401(answer: &Answer, slug: &str, challenge: &str) {
    assert_eq!((answer.status, answer.slug()), (401, slug), "{answer:#?}");
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[actix_web::test]
async fn a_caller_is_who_the_token_was_issued_to() {
    assert_json_snapshot!(send(whoami("admin")).await.body);
}

#[actix_web::test]
async fn the_schemes_case_does_not_matter() {
    let request = whoami("").insert_header(("authorization", "bearer  member"));
    assert_eq!(send(request).await.status, 200);
}

#[actix_web::test]
async fn no_token_is_401() {
    let answer = send(TestRequest::get().uri("/v1/trouble/whoami")).await;
    check_401(&answer, "unauthenticated", "Bearer");
    assert_json_snapshot!(answer.body);
    for header in ["Basic b3duZXI6", "Bearer", "Bearer ", "owner", ""] {
        let answer = send(whoami("").insert_header(("authorization", header))).await;
        check_401(&answer, "unauthenticated", "Bearer");
    }
}

#[actix_web::test]
async fn a_forged_token_is_401() {
    let answer = send(whoami("forged")).await;
    check_401(&answer, "token-invalid", r#"Bearer error="invalid_token""#);
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn two_tokens_are_401() {
    let answer = send(whoami("member").append_header(("authorization", "Bearer owner"))).await;
    check_401(&answer, "token-invalid", r#"Bearer error="invalid_token""#);
}

#[actix_web::test]
async fn an_expired_token_is_401_and_told_apart() {
    let answer = send(whoami("expired")).await;
    check_401(&answer, "token-expired", r#"Bearer error="invalid_token""#);
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn a_token_that_nobody_can_verify_is_503() {
    let answer = send(whoami("keyless")).await;
    assert_eq!((answer.status, answer.slug()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("www-authenticate"), None);
}

#[actix_web::test]
async fn a_role_too_low_is_403_and_told_which_is_needed() {
    let owners = |role: &str| whoami(role).uri("/v1/trouble/owners");
    for role in ["member", "admin"] {
        let answer = send(owners(role)).await;
        assert_eq!((answer.status, answer.slug()), (403, "forbidden"));
        assert_eq!(answer.body["required_role"], "owner");
    }
    assert_eq!(send(owners("owner")).await.status, 200);
}

#[actix_web::test]
async fn a_visitor_is_nobody_even_with_a_token() {
    let request = whoami("owner")
        .uri("/v1/trouble/visit")
        .insert_header(("accept-language", "fr;q=0.5, de-CH, en;q=0.9, *;q=0.1"));
    assert_json_snapshot!(send(request).await.body);
}

#[actix_web::test]
async fn who_calls_is_asked_first() {
    let request = || post_json("/v1/trouble/private/17", "{");
    check_401(&send(request()).await, "unauthenticated", "Bearer");
    let known = request().insert_header(("authorization", "Bearer member"));
    assert_eq!(send(known).await.slug(), "invalid-parameter");
}
