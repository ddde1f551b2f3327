//! What becomes of an invitation and its seat when billing refuses, fails or falls silent.

use std::time::Duration;

use auth::AuthSettings;
use auth_api::InvitationCreated;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, App, Behaviour, Session};

const GRACE: &str = "grace@example.com";

async fn invite(app: &App, inviter: &Session) -> Answer {
    let body = json!({ "email": GRACE, "role": "member" });
    app.post_as(inviter, "/v1/auth/invitations", body).await
}

/// Nobody can tell that there was ever an invitation, and no seat is held.
async fn assert_no_trace(app: &App, inviter: &Session) {
    let list = app.get_as(inviter, "/v1/auth/invitations").await;
    assert_eq!(list.body["items"], json!([]), "{list:#?}");
    assert!(app.heard::<InvitationCreated>().await.is_empty());
    assert!(app.billing.holders().is_empty());
}

/// Lets the time pass after which a reservation is given up.
async fn lose_patience(app: &App) {
    app.advance(AuthSettings::default().reservation_patience);
    app.settle().await;
}

#[actix_web::test]
async fn without_a_free_seat_there_is_no_invitation() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Full { limit: 3 });
    let refused = invite(&app, &ada).await;
    refused.assert_problem(403, "no-free-seat");
    assert_json_snapshot!(refused.body, { ".trace_id" => "[trace]" });
    assert_no_trace(&app, &ada).await;
    // A seat has come free: a new invitation asks under a new key.
    assert_eq!(invite(&app, &ada).await.status, 201);
    assert_eq!(app.billing.keys().len(), 2);
}

#[actix_web::test]
async fn with_billing_down_there_is_no_invitation() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Unavailable);
    let refused = invite(&app, &ada).await;
    refused.assert_problem(503, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    assert_no_trace(&app, &ada).await;
    lose_patience(&app).await;
    assert!(app.billing.released().is_empty(), "nothing was reserved, nothing is released");
    assert_eq!(invite(&app, &ada).await.status, 201);
}

/// What an unknown outcome leaves behind is cleaned up, whether or not billing had done it.
async fn check_unknown(behaviour: Behaviour) {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(behaviour);
    let refused = invite(&app, &ada).await;
    refused.assert_problem(503, "outcome-unknown");
    let list = app.get_as(&ada, "/v1/auth/invitations").await;
    assert_eq!(list.body["items"], json!([]));
    lose_patience(&app).await;
    assert_eq!(app.billing.released().len(), 1);
    assert_no_trace(&app, &ada).await;
    assert_eq!(invite(&app, &ada).await.status, 201);
    assert_eq!(app.billing.keys().len(), 2, "a new invitation has a key of its own");
}

#[actix_web::test]
async fn a_lost_answer_is_503_and_the_seat_is_released() {
    check_unknown(Behaviour::AnswerLost).await;
}

#[actix_web::test]
async fn a_lost_request_is_503_and_the_release_does_no_harm() {
    check_unknown(Behaviour::RequestLost).await;
}

#[actix_web::test]
async fn a_seat_that_is_reserved_too_late_is_given_back() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Waits);
    let given_up = async {
        app.billing.entered().await;
        lose_patience(&app).await;
        app.billing.go_on();
    };
    let (refused, ()) = tokio::join!(invite(&app, &ada), given_up);
    refused.assert_problem(503, "unavailable");
    assert_eq!(app.billing.holders().len(), 1, "it was reserved after its release");
    app.settle().await;
    assert_no_trace(&app, &ada).await;
}

#[actix_web::test]
async fn a_request_that_is_repeated_goes_on_with_the_same_reservation() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::AnswerLost);
    invite(&app, &ada).await.assert_problem(503, "outcome-unknown");
    let invited = invite(&app, &ada).await;
    assert_eq!(invited.status, 201, "{invited:#?}");
    assert_eq!(app.billing.keys().len(), 1, "billing saw one key");
    assert_eq!(app.billing.holders(), [holder(&invited.body)]);
    // The check finds it confirmed.
    lose_patience(&app).await;
    assert_eq!(app.billing.holders(), [holder(&invited.body)]);
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
}

#[actix_web::test]
async fn a_repeated_request_that_fails_does_not_forget_what_the_first_may_have_done() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::AnswerLost);
    app.billing.next(Behaviour::Unavailable);
    invite(&app, &ada).await.assert_problem(503, "outcome-unknown");
    invite(&app, &ada).await.assert_problem(503, "unavailable");
    assert_eq!(app.billing.holders().len(), 1, "the first had taken the seat");
    lose_patience(&app).await;
    assert_no_trace(&app, &ada).await;
}

#[actix_web::test]
async fn the_patience_counts_from_the_latest_request() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::AnswerLost);
    app.billing.next(Behaviour::RequestLost);
    invite(&app, &ada).await.assert_problem(503, "outcome-unknown");
    let patience = AuthSettings::default().reservation_patience;
    app.advance(patience - Duration::from_secs(1));
    invite(&app, &ada).await.assert_problem(503, "outcome-unknown");
    app.advance(Duration::from_secs(1));
    app.settle().await;
    assert!(app.billing.released().is_empty());
    app.advance(patience);
    app.settle().await;
    assert_no_trace(&app, &ada).await;
}

#[actix_web::test]
async fn requests_that_cross_make_one_invitation() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let (one, other) = tokio::join!(invite(&app, &ada), invite(&app, &ada));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one:#?} {other:#?}");
    lose_patience(&app).await;
    assert_eq!(app.billing.holders().len(), 1);
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
}

#[actix_web::test]
async fn a_seat_is_released_however_long_billing_is_down() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let invitation = invite(&app, &ada).await;
    let id = invitation.body["id"].as_str().expect("an id").to_owned();
    app.billing.stop_releasing();
    let path = format!("/v1/auth/invitations/{id}");
    assert_eq!(app.delete_as(&ada, &path).await.status, 204);
    // Long enough that all attempts of one delivery have failed several times over.
    for _ in 0..40 {
        app.advance(Duration::from_secs(900));
        app.settle().await;
    }
    assert_eq!(app.billing.holders(), [holder(&invitation.body)]);
    let dead = app.engine.dead_letters().list(&events::DeadLetterQuery::default()).await;
    assert!(dead.expect("dead letters").items.is_empty(), "nothing was given up");
    app.billing.resume_releasing();
    app.advance(Duration::from_secs(900));
    app.settle().await;
    assert!(app.billing.holders().is_empty());
}

fn holder(invitation: &Value) -> String {
    format!("invitation:{}", invitation["id"].as_str().expect("an id"))
}
