//! What has had its time is deleted, and nothing else.

use std::time::Duration;

use auth::AuthSettings;
use serde_json::json;

use crate::support::{App, Session};

const ADA: &str = "ada@example.com";

async fn sweep(app: &App) {
    for sweep in &app.sweeps {
        sweep.run_once().await.expect("sweeps");
    }
}

#[actix_web::test]
async fn what_is_good_survives() {
    let app = App::start().await;
    let session = app.owner(ADA).await;
    app.register("grace@example.com").await;
    let token = app.verification_tokens("grace@example.com").await.pop().expect("a mail");
    let body = json!({ "refresh_token": session.refresh });
    let next = Session::of(&app.post("/v1/auth/refresh", body.clone()).await);
    sweep(&app).await;
    let again = Session::of(&app.post("/v1/auth/refresh", body).await);
    assert_eq!(next.refresh, again.refresh, "its successor may still be asked for");
    let body = json!({ "token": token });
    assert_eq!(app.post("/v1/auth/verify-email", body).await.status, 204);
}

#[actix_web::test]
async fn a_reused_token_is_recognised_after_its_successors_copy_is_erased() {
    let app = App::start().await;
    let session = app.owner(ADA).await;
    let body = json!({ "refresh_token": session.refresh });
    let next = Session::of(&app.post("/v1/auth/refresh", body.clone()).await);
    app.advance(AuthSettings::default().refresh_reuse_grace + Duration::from_secs(1));
    sweep(&app).await;
    app.post("/v1/auth/refresh", body).await.assert_problem(401, "invalid-refresh-token");
    let next = json!({ "refresh_token": next.refresh });
    app.post("/v1/auth/refresh", next).await.assert_problem(401, "invalid-refresh-token");
}

#[actix_web::test]
async fn an_old_registration_that_nobody_confirmed_can_be_made_again() {
    let app = App::start().await;
    app.register(ADA).await;
    app.advance(AuthSettings::default().verification_lifetime);
    sweep(&app).await;
    app.owner(ADA).await;
}

#[actix_web::test]
async fn sessions_that_are_over_go_with_their_tokens() {
    let app = App::start().await;
    let session = app.owner(ADA).await;
    app.advance(AuthSettings::default().session_lifetime);
    sweep(&app).await;
    let body = json!({ "refresh_token": session.refresh });
    app.post("/v1/auth/refresh", body).await.assert_problem(401, "invalid-refresh-token");
    app.log_in(ADA).await;
}
