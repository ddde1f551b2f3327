//! `GET /v1/auth/me`.

use std::time::Duration;

use insta::assert_json_snapshot;

use crate::support::{App, Session};

#[actix_web::test]
async fn one_sees_oneself_and_where_one_belongs() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.owner("grace@example.com").await;
    app.advance(Duration::from_secs(1));
    app.member(&ada, "grace@example.com", "admin").await;
    let grace = app.log_in("grace@example.com").await;
    let answer = app.get_as(&grace, "/v1/auth/me").await;
    assert_eq!(answer.status, 200);
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn without_a_token_one_is_nobody() {
    let app = App::start().await;
    app.get("/v1/auth/me").await.assert_problem(401, "unauthenticated");
    let forged = Session { access: "a.b.c".to_owned(), refresh: String::new() };
    app.get_as(&forged, "/v1/auth/me").await.assert_problem(401, "token-invalid");
}
