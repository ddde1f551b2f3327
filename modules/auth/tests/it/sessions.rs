//! Logging in, refreshing and logging out.

use std::time::Duration;

use auth::{AuthSettings, HashingLimits};
use insta::assert_json_snapshot;
use kernel::TenantId;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Session};

const ADA: &str = "ada@example.com";

async fn log_in(app: &App, email: &str, password: &str) -> Answer {
    app.post("/v1/auth/login", json!({ "email": email, "password": password })).await
}

async fn refresh(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/refresh", json!({ "refresh_token": token })).await
}

#[actix_web::test]
async fn a_login_brings_tokens_that_nobody_caches() {
    let app = App::start().await;
    app.owner(ADA).await;
    let answer = log_in(&app, "ADA@example.com", PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_json_snapshot!(answer.body, {
        ".access_token" => "[access token]",
        ".refresh_token" => "[refresh token]",
    });
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_address_are_alike() {
    let app = App::start().await;
    app.owner(ADA).await;
    app.hashing.take();
    let wrong = log_in(&app, ADA, "wrong password").await;
    wrong.assert_problem(401, "invalid-credentials");
    let work = app.hashing.take();
    assert_eq!((work.hashed, work.checked), (0, 1));
    for (email, password) in [
        ("eve@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        (ADA, ""),
        (ADA, "short"),
        (ADA, &"long".repeat(1_000)),
    ] {
        let refused = log_in(&app, email, password).await;
        assert_eq!(without_trace(&refused), without_trace(&wrong), "{email}");
        assert_eq!(app.hashing.take(), work, "{email}: one password is checked");
    }
}

fn without_trace(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    body["trace_id"] = Value::Null;
    (answer.status, body)
}

#[actix_web::test]
async fn only_who_knows_the_password_hears_of_the_verification() {
    let app = App::start().await;
    app.register(ADA).await;
    log_in(&app, ADA, PASSWORD).await.assert_problem(403, "email-not-verified");
    log_in(&app, ADA, "wrong password").await.assert_problem(401, "invalid-credentials");
}

#[actix_web::test]
async fn a_login_names_a_tenant_or_gets_the_first() {
    let app = App::start().await;
    let ada = app.owner(ADA).await;
    let grace = app.owner("grace@example.com").await;
    let (first, second) = (app.tenant_of(&grace).await, app.tenant_of(&ada).await);
    app.advance(Duration::from_secs(1));
    app.member(&ada, "grace@example.com", "member").await;

    let grace = app.log_in("grace@example.com").await;
    assert_eq!(app.tenant_of(&grace).await, first);
    let named = |tenant: TenantId| json!({ "email": "grace@example.com", "password": PASSWORD, "tenant": tenant });
    let answer = app.post("/v1/auth/login", named(second)).await;
    assert_eq!(app.tenant_of(&Session::of(&answer)).await, second);
    let nowhere = TenantId(kernel::CallId::random().0);
    app.post("/v1/auth/login", named(nowhere)).await.assert_problem(404, "unknown-tenant");
}

#[actix_web::test]
async fn a_tenant_is_named_only_to_who_knows_the_password() {
    let app = App::start().await;
    let ada = app.owner(ADA).await;
    let tenant = app.tenant_of(&ada).await;
    let body = json!({ "email": ADA, "password": "wrong password", "tenant": tenant });
    app.post("/v1/auth/login", body).await.assert_problem(401, "invalid-credentials");
}

#[actix_web::test]
async fn too_much_hashing_is_refused_for_now() {
    let hashing = HashingLimits { concurrency: 1, queue: 0 };
    let app = App::with(AuthSettings { hashing, ..AuthSettings::default() }).await;
    let held = app.hashing.hold();
    let waiting = log_in(&app, ADA, PASSWORD);
    let refused = async {
        app.hashing.entered().await;
        let refused = log_in(&app, ADA, PASSWORD).await;
        drop(held);
        refused
    };
    let (waited, refused) = tokio::join!(waiting, refused);
    waited.assert_problem(401, "invalid-credentials");
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.headers["retry-after"], "1");
}

#[actix_web::test]
async fn a_refresh_token_is_exchanged_for_the_next() {
    let app = App::start().await;
    let first = app.owner(ADA).await;
    app.advance(AuthSettings::default().access_token_lifetime + tokens::LEEWAY);
    app.advance(Duration::from_secs(1));
    app.get_as(&first, "/v1/auth/me").await.assert_problem(401, "token-expired");
    let answer = refresh(&app, &first.refresh).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    let second = Session::of(&answer);
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(app.get_as(&second, "/v1/auth/me").await.status, 200);
    assert_eq!(refresh(&app, &second.refresh).await.status, 200);
}

#[actix_web::test]
async fn a_lost_answer_is_given_once_more() {
    let app = App::start().await;
    let first = app.owner(ADA).await;
    let lost = Session::of(&refresh(&app, &first.refresh).await);
    app.advance(Duration::from_secs(10));
    let again = Session::of(&refresh(&app, &first.refresh).await);
    assert_eq!(lost.refresh, again.refresh, "the family has one branch");
    assert_eq!(refresh(&app, &again.refresh).await.status, 200);
}

#[actix_web::test]
async fn refreshes_that_cross_get_the_same_successor() {
    let app = App::start().await;
    let first = app.owner(ADA).await;
    let (one, other) = tokio::join!(refresh(&app, &first.refresh), refresh(&app, &first.refresh));
    assert_eq!(Session::of(&one).refresh, Session::of(&other).refresh);
}

#[actix_web::test]
async fn a_token_that_comes_again_later_ends_the_session() {
    let app = App::start().await;
    let stolen = app.owner(ADA).await;
    let current = Session::of(&refresh(&app, &stolen.refresh).await);
    app.advance(Duration::from_secs(11));
    refresh(&app, &stolen.refresh).await.assert_problem(401, "invalid-refresh-token");
    refresh(&app, &current.refresh).await.assert_problem(401, "invalid-refresh-token");
    app.log_in(ADA).await;
}

#[actix_web::test]
async fn a_token_whose_successor_was_used_ends_the_session_at_once() {
    let app = App::start().await;
    let first = app.owner(ADA).await;
    let second = Session::of(&refresh(&app, &first.refresh).await);
    let third = Session::of(&refresh(&app, &second.refresh).await);
    refresh(&app, &first.refresh).await.assert_problem(401, "invalid-refresh-token");
    refresh(&app, &third.refresh).await.assert_problem(401, "invalid-refresh-token");
}

#[actix_web::test]
async fn the_end_of_one_session_leaves_the_others() {
    let app = App::start().await;
    let (laptop, phone) = (app.owner(ADA).await, app.log_in(ADA).await);
    let body = json!({ "refresh_token": laptop.refresh });
    assert_eq!(app.post("/v1/auth/logout", body).await.status, 204);
    refresh(&app, &laptop.refresh).await.assert_problem(401, "invalid-refresh-token");
    assert_eq!(refresh(&app, &phone.refresh).await.status, 200);
}

#[actix_web::test]
async fn logging_out_tells_nothing_of_the_token() {
    let app = App::start().await;
    for token in ["", "made-up"] {
        let answer = app.post("/v1/auth/logout", json!({ "refresh_token": token })).await;
        assert_eq!(answer.status, 204);
    }
}

#[actix_web::test]
async fn a_refresh_token_that_is_not_used_expires() {
    let app = App::start().await;
    let session = app.owner(ADA).await;
    app.advance(AuthSettings::default().refresh_token_lifetime);
    refresh(&app, &session.refresh).await.assert_problem(401, "invalid-refresh-token");
    refresh(&app, "made-up").await.assert_problem(401, "invalid-refresh-token");
}

#[actix_web::test]
async fn a_session_ends_however_often_it_is_refreshed() {
    let app = App::start().await;
    let mut session = app.owner(ADA).await;
    let most = AuthSettings::default().session_lifetime;
    let step = AuthSettings::default().refresh_token_lifetime - Duration::from_secs(1);
    let mut age = step;
    while age < most {
        app.advance(step);
        session = Session::of(&refresh(&app, &session.refresh).await);
        age += step;
    }
    app.advance(step);
    refresh(&app, &session.refresh).await.assert_problem(401, "invalid-refresh-token");
}
