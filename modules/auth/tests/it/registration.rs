//! Signing up and verifying.

use std::time::Duration;

use auth_api::{TenantCreated, VerificationRequested};
use insta::assert_json_snapshot;
use kernel::Clock;
use serde_json::json;

use crate::support::{App, PASSWORD, registration};

const ADA: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(86_400);

#[actix_web::test]
async fn a_registration_makes_a_tenant_and_asks_for_a_mail() {
    let app = App::start().await;
    let answer = app.register(" Ada@Example.com ").await;
    assert_eq!(answer.status, 202);
    assert_json_snapshot!(answer.body);

    let created = app.heard::<TenantCreated>().await;
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].name, "Analytical Engines");
    let requested = app.heard::<VerificationRequested>().await;
    assert_eq!(requested.len(), 1);
    assert_eq!(requested[0].user, created[0].owner);
    assert_eq!((requested[0].email.as_str(), requested[0].name.as_str()), (ADA, "Ada Lovelace"));
    assert_eq!(requested[0].expires_at, app.store.clock().now() + DAY);
    let published = app.bus.published();
    assert!(published.iter().all(|event| event.envelope.tenant == Some(created[0].tenant)));
}

#[actix_web::test]
async fn no_event_holds_a_token_in_clear() {
    let app = App::start().await;
    app.register(ADA).await;
    let token = app.verification_tokens(ADA).await.pop().expect("a mail");
    for event in app.bus.published() {
        assert!(!event.envelope.payload.to_string().contains(&token), "{event:?}");
    }
}

#[actix_web::test]
async fn every_address_gets_the_same_answer_for_the_same_work() {
    let app = App::start().await;
    let unknown = app.register(ADA).await;
    let work = app.hashing.take();
    assert_eq!((work.hashed, work.checked), (1, 0));

    let unverified = app.register(ADA).await;
    assert_eq!(app.hashing.take(), work);

    let token = app.verification_tokens(ADA).await.pop().expect("a mail");
    app.post("/v1/auth/verify-email", json!({ "token": token })).await;
    let verified = app.register(ADA).await;
    assert_eq!(app.hashing.take(), work);

    for known in [unverified, verified] {
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    }
}

#[actix_web::test]
async fn an_unverified_address_gets_another_mail_and_no_second_tenant() {
    let app = App::start().await;
    app.register(ADA).await;
    app.register(ADA).await;
    assert_eq!(app.verification_tokens(ADA).await.len(), 2);
    assert_eq!(app.heard::<TenantCreated>().await.len(), 1);
}

#[actix_web::test]
async fn a_verified_address_is_left_alone() {
    let app = App::start().await;
    app.owner(ADA).await;
    let mut again = registration(ADA);
    again["password"] = json!("another password");
    again["name"] = json!("Eve");
    assert_eq!(app.post("/v1/auth/register", again).await.status, 202);
    assert_eq!(app.verification_tokens(ADA).await.len(), 1, "no second mail");
    let session = app.log_in(ADA).await;
    let me = app.get_as(&session, "/v1/auth/me").await;
    assert_eq!(me.body["user"]["name"], "Ada Lovelace");
}

#[actix_web::test]
async fn a_link_confirms_the_registration_that_it_was_mailed_for() {
    let app = App::start().await;
    let mut eve = registration(ADA);
    eve["password"] = json!("known to eve");
    eve["organization"] = json!("Eve's");
    app.post("/v1/auth/register", eve).await;
    app.register(ADA).await;
    let tokens = app.verification_tokens(ADA).await;

    let verify = |token: &str| json!({ "token": token });
    assert_eq!(app.post("/v1/auth/verify-email", verify(&tokens[1])).await.status, 204);
    let session = app.log_in(ADA).await;
    let me = app.get_as(&session, "/v1/auth/me").await;
    assert_eq!(me.body["tenant"]["name"], "Analytical Engines");
    let eve = json!({ "email": ADA, "password": "known to eve" });
    app.post("/v1/auth/login", eve).await.assert_problem(401, "invalid-credentials");
    // Her link has been used up with the other one.
    app.post("/v1/auth/verify-email", verify(&tokens[0]))
        .await
        .assert_problem(400, "invalid-token");
}

#[actix_web::test]
async fn a_link_works_once() {
    let app = App::start().await;
    app.register(ADA).await;
    let token = app.verification_tokens(ADA).await.pop().expect("a mail");
    let body = json!({ "token": token });
    assert_eq!(app.post("/v1/auth/verify-email", body.clone()).await.status, 204);
    let again = app.post("/v1/auth/verify-email", body).await;
    again.assert_problem(400, "invalid-token");
    assert_json_snapshot!(again.body, { ".trace_id" => "[trace]" });
}

#[actix_web::test]
async fn a_link_works_for_a_day() {
    let app = App::start().await;
    app.register(ADA).await;
    let token = app.verification_tokens(ADA).await.pop().expect("a mail");
    app.advance(DAY);
    let late = app.post("/v1/auth/verify-email", json!({ "token": token })).await;
    late.assert_problem(400, "invalid-token");
    let login = json!({ "email": ADA, "password": PASSWORD });
    app.post("/v1/auth/login", login).await.assert_problem(403, "email-not-verified");
}

#[actix_web::test]
async fn a_made_up_token_is_refused() {
    let app = App::start().await;
    for token in ["", "made-up", "ada@example.com' OR 1=1"] {
        let answer = app.post("/v1/auth/verify-email", json!({ "token": token })).await;
        answer.assert_problem(400, "invalid-token");
    }
}

#[actix_web::test]
async fn all_that_is_wrong_with_a_registration_is_told_at_once() {
    let app = App::start().await;
    let body = json!({ "email": "ada", "password": "short", "name": "", "organization": "A" });
    let answer = app.post("/v1/auth/register", body).await;
    answer.assert_problem(422, "invalid-body");
    assert_eq!(answer.refused_fields(), ["email", "password", "name"]);
    assert_json_snapshot!(answer.body, { ".trace_id" => "[trace]" });
    assert_eq!(app.hashing.take().hashed, 0);
}

#[actix_web::test]
async fn unknown_and_missing_fields_are_refused() {
    let app = App::start().await;
    let mut unknown = registration(ADA);
    unknown["admin"] = json!(true);
    app.post("/v1/auth/register", unknown).await.assert_problem(422, "invalid-body");
    app.post("/v1/auth/register", json!({ "email": ADA }))
        .await
        .assert_problem(422, "invalid-body");
    let unknown = json!({ "token": "t", "x": 1 });
    app.post("/v1/auth/verify-email", unknown).await.assert_problem(422, "invalid-body");
}

#[actix_web::test]
async fn registrations_of_one_address_at_once_make_one_account() {
    let app = App::start().await;
    let register = || app.register(ADA);
    let (a, b, c, d) = tokio::join!(register(), register(), register(), register());
    for answer in [a, b, c, d] {
        assert_eq!(answer.status, 202, "{answer:#?}");
    }
    assert_eq!(app.heard::<TenantCreated>().await.len(), 1);
    assert_eq!(app.verification_tokens(ADA).await.len(), 4);
}
