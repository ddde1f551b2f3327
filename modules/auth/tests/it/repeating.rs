//! Invitations that a client names with an `Idempotency-Key` and sends again.

use auth::AuthSettings;
use auth_api::InvitationCreated;
use serde_json::{Value, json};

use crate::support::{Answer, App, Behaviour, PASSWORD, Session};

const GRACE: &str = "grace@example.com";
const INVITATIONS: &str = "/v1/auth/invitations";

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
async fn a_key_without_an_invitation_is_free_again() {
    for (behaviour, status, slug) in [
        (Behaviour::Full { limit: 3 }, 403, "no-free-seat"),
        (Behaviour::Unavailable, 503, "unavailable"),
        (Behaviour::AnswerLost, 503, "outcome-unknown"),
    ] {
        let app = App::start().await;
        let ada = app.owner("ada@example.com").await;
        app.billing.next(behaviour);
        invite(&app, &ada, "k").await.assert_problem(status, slug);
        assert_eq!(invite(&app, &ada, "k").await.status, 201, "after {behaviour:?}");
        assert_eq!(app.billing.holders().len(), 1);
    }
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
