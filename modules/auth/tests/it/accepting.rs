//! Accepting invitations.

use std::time::Duration;

use auth_api::MemberJoined;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Session};

const GRACE: &str = "grace@example.com";

/// Invites Grace, and returns the token of her mail.
async fn invited(app: &App, inviter: &Session) -> String {
    let body = json!({ "email": GRACE, "role": "member" });
    let answer = app.post_as(inviter, "/v1/auth/invitations", body).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    app.invitation_token(GRACE).await
}

async fn accept(app: &App, body: Value) -> Answer {
    app.post("/v1/auth/invitations/accept", body).await
}

#[actix_web::test]
async fn somebody_new_joins_with_a_name_and_a_password() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let token = invited(&app, &ada).await;
    let body = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
    let joined = accept(&app, body).await;
    assert_eq!(joined.status, 200, "{joined:#?}");
    assert_json_snapshot!(joined.body);

    // The address counts as verified.
    let grace = app.log_in(GRACE).await;
    assert_eq!(app.tenant_of(&grace).await, app.tenant_of(&ada).await);
    let heard = app.heard::<MemberJoined>().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].name, "Grace Hopper");
    assert_eq!(app.billing.holders(), [format!("invitation:{}", heard[0].invitation)]);
}

#[actix_web::test]
async fn somebody_new_is_told_what_is_missing() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let token = invited(&app, &ada).await;
    let answer = accept(&app, json!({ "token": token })).await;
    answer.assert_problem(422, "invalid-body");
    assert_eq!(answer.refused_fields(), ["name", "password"]);
    assert_json_snapshot!(answer.body, { ".trace_id" => "[trace]" });
    let body = json!({ "token": token, "name": "Grace", "password": "short" });
    assert_eq!(accept(&app, body).await.refused_fields(), ["password"]);
    // The token is as good as before.
    let body = json!({ "token": token, "name": "Grace", "password": PASSWORD });
    assert_eq!(accept(&app, body).await.status, 200);
}

#[actix_web::test]
async fn who_has_an_account_joins_with_it() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.owner(GRACE).await;
    let token = invited(&app, &ada).await;
    app.hashing.take();
    let joined = accept(&app, json!({ "token": token, "password": "some other one" })).await;
    assert_eq!(joined.status, 200, "{joined:#?}");
    assert_eq!(app.hashing.take().hashed, 0, "the password is ignored");
    let grace = app.log_in(GRACE).await;
    let me = app.get_as(&grace, "/v1/auth/me").await;
    assert_eq!(me.body["tenants"].as_array().map(Vec::len), Some(2));
}

#[actix_web::test]
async fn an_account_that_was_never_verified_is_made_anew() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let eve = json!({
        "email": GRACE, "password": "known to eve", "name": "Eve", "organization": "Eve's",
    });
    app.post("/v1/auth/register", eve).await;
    let link = app.verification_tokens(GRACE).await.pop().expect("a mail");
    let token = invited(&app, &ada).await;
    let refused = accept(&app, json!({ "token": token })).await;
    assert_eq!(refused.refused_fields(), ["name", "password"]);
    let body = json!({ "token": token, "name": "Grace", "password": PASSWORD });
    assert_eq!(accept(&app, body).await.status, 200);

    app.log_in(GRACE).await;
    let eve = json!({ "email": GRACE, "password": "known to eve" });
    app.post("/v1/auth/login", eve).await.assert_problem(401, "invalid-credentials");
    let verify = app.post("/v1/auth/verify-email", json!({ "token": link })).await;
    verify.assert_problem(400, "invalid-token");
}

#[actix_web::test]
async fn an_invitation_is_accepted_once() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let token = invited(&app, &ada).await;
    let body = json!({ "token": token, "name": "Grace", "password": PASSWORD });
    let (one, other) = tokio::join!(accept(&app, body.clone()), accept(&app, body.clone()));
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(one.body, other.body);
    assert_eq!(app.heard::<MemberJoined>().await.len(), 1);
}

#[actix_web::test]
async fn a_lost_answer_can_be_had_again_for_a_day_and_by_the_same_request_alone() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let token = invited(&app, &ada).await;
    let body = json!({ "token": token, "name": "Grace", "password": PASSWORD });
    let joined = accept(&app, body.clone()).await;
    assert_eq!(joined.status, 200);
    let other = json!({ "token": token, "name": "Eve", "password": "eve's own password" });
    accept(&app, other).await.assert_problem(400, "invalid-token");
    app.advance(Duration::from_secs(24 * 60 * 60 - 1));
    let again = accept(&app, body.clone()).await;
    assert_eq!((again.status, &again.body), (200, &joined.body));
    assert_eq!(again.headers.get("idempotent-replayed").map(String::as_str), Some("true"));
    app.advance(Duration::from_secs(1));
    accept(&app, body).await.assert_problem(400, "invalid-token");
    assert_eq!(app.heard::<MemberJoined>().await.len(), 1);
}

#[actix_web::test]
async fn a_made_up_token_is_refused_without_work() {
    let app = App::start().await;
    let body = json!({ "token": "made-up", "name": "Grace", "password": PASSWORD });
    accept(&app, body).await.assert_problem(400, "invalid-token");
    assert_eq!(app.hashing.take().hashed, 0);
    accept(&app, json!({ "token": "t", "role": "owner" }))
        .await
        .assert_problem(422, "invalid-body");
}
