//! Invitations that a client names with an `Idempotency-Key` and sends again.

use std::time::Duration;

use auth::AuthSettings;
use auth_api::InvitationCreated;
use serde_json::{Value, json};

use crate::support::{Answer, App, Behaviour, PASSWORD, Session};

const GRACE: &str = "grace@example.com";
const INVITATIONS: &str = "/v1/auth/invitations";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn grace() -> Value {
    json!({ "email": GRACE, "role": "member" })
}

async fn invite(app: &App, inviter: &Session, key: &str) -> Answer {
    app.post_keyed(inviter, INVITATIONS, key, grace()).await
}

#[actix_web::test]
async fn a_repetition_is_answered_as_the_first_time_whatever_has_happened_since() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let first = invite(&app, &ada, "k").await;
    assert_eq!(first.status, 201, "{first:#?}");
    let token = app.invitation_token(GRACE).await;
    let joins = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
    assert_eq!(app.post("/v1/auth/invitations/accept", joins).await.status, 200);

    let again = invite(&app, &ada, "k").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.headers.get("idempotent-replayed").map(String::as_str), Some("true"));
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
    assert_eq!(app.billing.holders().len(), 1);
    invite(&app, &ada, "another").await.assert_problem(409, "already-member");
}

#[actix_web::test]
async fn a_key_stands_for_one_request_of_one_tenant() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let eve = app.owner("eve@example.com").await;
    assert_eq!(invite(&app, &ada, "k").await.status, 201);
    let other = json!({ "email": "joan@example.com", "role": "member" });
    let reused = app.post_keyed(&ada, INVITATIONS, "k", other).await;
    reused.assert_problem(422, "idempotency-key-reused");
    let of_eve = invite(&app, &eve, "k").await;
    assert_eq!(of_eve.status, 201, "{of_eve:#?}");
    assert!(!of_eve.headers.contains_key("idempotent-replayed"));
    invite(&app, &ada, "not one key").await.assert_problem(400, "idempotency-key-invalid");
}

#[actix_web::test]
async fn a_key_under_which_nothing_was_done_is_free_again() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Unavailable);
    invite(&app, &ada, "k").await.assert_problem(503, "unavailable");
    let other = json!({ "email": "joan@example.com", "role": "member" });
    let invited = app.post_keyed(&ada, INVITATIONS, "k", other).await;
    assert_eq!(invited.status, 201, "{invited:#?}");
}

#[actix_web::test]
async fn who_repeats_a_request_without_an_answer_goes_on_with_it_at_once() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::AnswerLost);
    invite(&app, &ada, "k").await.assert_problem(503, "outcome-unknown");
    let other = json!({ "email": "joan@example.com", "role": "member" });
    let reused = app.post_keyed(&ada, INVITATIONS, "k", other).await;
    reused.assert_problem(422, "idempotency-key-reused");
    assert_eq!(invite(&app, &ada, "k").await.status, 201);
    assert_eq!((app.billing.keys().len(), app.billing.holders().len()), (1, 1));
}

#[actix_web::test]
async fn a_refusal_of_billing_is_an_answer_and_is_kept() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Full { limit: 3 });
    let first = invite(&app, &ada, "k").await;
    first.assert_problem(403, "no-free-seat");
    let again = invite(&app, &ada, "k").await;
    again.assert_problem(403, "no-free-seat");
    assert_eq!(again.body["limit"], first.body["limit"]);
    assert_eq!(again.headers.get("idempotent-replayed").map(String::as_str), Some("true"));
    assert_eq!(app.billing.keys().len(), 1, "billing was asked once");
    assert_eq!(invite(&app, &ada, "another").await.status, 201);
}

#[actix_web::test]
async fn what_fails_before_anything_is_meant_stores_nothing() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let admin = app.member(&ada, "alan@example.com", "admin").await;
    for (body, status) in [
        (json!({ "email": "no address", "role": "member" }), 422),
        (json!({ "email": GRACE, "role": "member", "colour": "blue" }), 422),
        (json!({ "email": GRACE, "role": "owner" }), 403),
        (json!({ "email": "ada@example.com", "role": "member" }), 409),
    ] {
        let refused = app.post_keyed(&admin, INVITATIONS, "k", body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {refused:#?}");
    }
    assert_eq!(app.post_keyed(&admin, INVITATIONS, "k", grace()).await.status, 201);
}

#[actix_web::test]
async fn an_answer_is_kept_for_a_day() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let first = invite(&app, &ada, "k").await;
    app.advance(DAY - Duration::from_secs(1));
    let ada = app.log_in("ada@example.com").await;
    assert_eq!(invite(&app, &ada, "k").await.body, first.body);
    app.advance(Duration::from_secs(1));
    // The key is new again, and the address is not.
    invite(&app, &ada, "k").await.assert_problem(409, "already-invited");
}

#[actix_web::test]
async fn a_refusal_takes_the_claim_with_it() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let first = invite(&app, &ada, "first").await;
    invite(&app, &ada, "k").await.assert_problem(409, "already-invited");
    let path = format!("{INVITATIONS}/{}", first.body["id"].as_str().expect("an id"));
    assert_eq!(app.delete_as(&ada, &path).await.status, 204);
    assert_eq!(invite(&app, &ada, "k").await.status, 201);
}

#[actix_web::test]
async fn a_request_at_work_holds_its_key_and_one_that_was_cut_off_until_its_lease_ends() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.billing.next(Behaviour::Waits);
    // The client goes away while billing is asked, and the request with it.
    tokio::select! {
        answer = invite(&app, &ada, "k") => panic!("it waits: {answer:#?}"),
        () = app.billing.entered() => {}
    }
    let in_use = invite(&app, &ada, "k").await;
    in_use.assert_problem(409, "idempotency-key-in-use");
    assert!(in_use.headers.contains_key("retry-after"));

    app.advance(AuthSettings::default().reservation_patience);
    assert_eq!(invite(&app, &ada, "k").await.status, 201);
    app.settle().await;
    assert_eq!(app.billing.holders().len(), 1);
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
}

/// Sends a request under `key` whose client goes away while billing is asked, and the request with
/// it: what a dead process leaves behind.
async fn cut_off(app: &App, inviter: &Session, key: &str) {
    app.billing.next(Behaviour::Waits);
    tokio::select! {
        answer = invite(app, inviter, key) => panic!("it waits: {answer:#?}"),
        () = app.billing.entered() => {}
    }
}

#[actix_web::test]
async fn the_check_of_an_invitation_frees_the_key_of_its_request() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    cut_off(&app, &ada, "k").await;
    app.advance(AuthSettings::default().reservation_patience);
    app.settle().await;
    let other = json!({ "email": "joan@example.com", "role": "member" });
    let invited = app.post_keyed(&ada, INVITATIONS, "k", other).await;
    assert_eq!(invited.status, 201, "nobody holds the key: {invited:#?}");
}

#[actix_web::test]
async fn a_key_whose_invitation_another_request_has_finished_is_freed_in_the_end() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    cut_off(&app, &ada, "first").await;
    assert_eq!(invite(&app, &ada, "second").await.status, 201);
    app.advance(AuthSettings::default().reservation_patience + Duration::from_secs(61));
    app.settle().await;
    let other = json!({ "email": "joan@example.com", "role": "member" });
    let held = app.post_keyed(&ada, INVITATIONS, "first", other.clone()).await;
    held.assert_problem(422, "idempotency-key-reused");

    app.sweep("auth.free_claims").await;
    let invited = app.post_keyed(&ada, INVITATIONS, "first", other).await;
    assert_eq!(invited.status, 201, "{invited:#?}");
    let replayed = invite(&app, &ada, "second").await;
    assert_eq!(replayed.status, 201, "an answered key is left alone");
    assert!(replayed.headers.contains_key("idempotent-replayed"));
}
