//! Many at once. On an engine with several writers these really meet.

use std::collections::BTreeSet;

use auth_api::{InvitationCreated, MemberJoined, TenantCreated};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Session};

const GRACE: &str = "grace@example.com";
const INVITATIONS: &str = "/v1/auth/invitations";

/// How many answers there are of each status.
fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[actix_web::test]
async fn a_hundred_requests_under_one_key_are_one_invitation() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let body = json!({ "email": GRACE, "role": "member" });
    let send = |_| app.post_keyed(&ada, INVITATIONS, "k", body.clone());
    let answers = join_all((0..100).map(send)).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!created.is_empty());
    assert!(created.iter().all(|answer| answer.body == created[0].body));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.assert_problem(409, "idempotency-key-in-use");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
    assert_eq!(app.billing.holders().len(), 1);
    assert_eq!(app.billing.keys().len(), 1);
}

#[actix_web::test]
async fn requests_under_as_many_keys_are_one_invitation_of_an_address() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let keys: Vec<String> = (0..30).map(|n| format!("key-{n}")).collect();
    let body = json!({ "email": GRACE, "role": "member" });
    let send = |key: &String| {
        let (key, body, app, ada) = (key.clone(), body.clone(), &app, &ada);
        async move { app.post_keyed(ada, INVITATIONS, &key, body).await }
    };
    let answers = join_all(keys.iter().map(send)).await;
    assert_eq!(count(&answers, 201), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.assert_problem(409, "already-invited");
    }
    app.settle().await;
    assert_eq!(app.heard::<InvitationCreated>().await.len(), 1);
    assert_eq!(app.billing.holders().len(), 1);
}

/// A sign-up has no tenant to keep a key in: its address is what makes it once-only.
#[actix_web::test]
async fn an_address_that_many_register_at_once_has_one_account() {
    let app = App::start().await;
    let answers = join_all((0..40).map(|_| app.register(GRACE))).await;
    assert_eq!(count(&answers, 202), 40, "{answers:#?}");
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(app.heard::<TenantCreated>().await.len(), 1, "one organisation");

    // Each was mailed a link; the first that is followed uses up all of them.
    let links = app.verification_tokens(GRACE).await;
    assert_eq!(links.len(), 40);
    let verify = |token: &String| {
        let body = json!({ "token": token });
        app.post("/v1/auth/verify-email", body)
    };
    let answers = join_all(links.iter().map(verify)).await;
    assert_eq!((count(&answers, 204), count(&answers, 400)), (1, 39), "{answers:#?}");
    let grace = app.log_in(GRACE).await;
    let me = app.get_as(&grace, "/v1/auth/me").await;
    assert_eq!(me.body["tenants"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn an_invitation_that_many_accept_at_once_makes_one_member() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let invited = json!({ "email": GRACE, "role": "member" });
    assert_eq!(app.post_as(&ada, INVITATIONS, invited).await.status, 201);
    let body = json!({
        "token": app.invitation_token(GRACE).await, "name": "Grace Hopper", "password": PASSWORD,
    });
    let accept = |_| app.post("/v1/auth/invitations/accept", body.clone());
    let answers = join_all((0..20).map(accept)).await;
    assert_eq!(count(&answers, 200), 20, "{answers:#?}");
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(app.heard::<MemberJoined>().await.len(), 1);
    let grace = app.log_in(GRACE).await;
    assert_eq!(app.tenant_of(&grace).await, app.tenant_of(&ada).await);
}

#[actix_web::test]
async fn an_invitation_is_either_accepted_or_revoked() {
    for round in 0..5 {
        let app = App::start().await;
        let ada = app.owner("ada@example.com").await;
        let invited = json!({ "email": GRACE, "role": "member" });
        let invitation = app.post_as(&ada, INVITATIONS, invited).await;
        let path = format!("{INVITATIONS}/{}", invitation.body["id"].as_str().expect("an id"));
        let body = json!({
            "token": app.invitation_token(GRACE).await, "name": "Grace", "password": PASSWORD,
        });
        let (accepted, revoked) = tokio::join!(
            app.post("/v1/auth/invitations/accept", body),
            app.delete_as(&ada, &path),
        );
        let joined = app.heard::<MemberJoined>().await.len();
        match (accepted.status, revoked.status) {
            (200, 409) => assert_eq!((joined, app.billing.holders().len()), (1, 1)),
            (400, 204) => assert_eq!((joined, app.billing.holders().len()), (0, 0)),
            other => panic!("round {round}: {other:?}"),
        }
    }
}

/// A client whose requests cross gets the same successor each time.
#[actix_web::test]
async fn a_token_that_is_refreshed_many_times_at_once_has_one_successor() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let answers = join_all((0..20).map(|_| refresh(&app, &ada.refresh))).await;
    assert_eq!(count(&answers, 200), 20, "{answers:#?}");
    let successors: BTreeSet<String> =
        answers.iter().map(|answer| Session::of(answer).refresh).collect();
    assert_eq!(successors.len(), 1);
    // The family goes on: nobody took it for theft.
    let successor = successors.first().expect("one");
    assert_eq!(refresh(&app, successor).await.status, 200);
}

/// The old token and its successor at once: whoever comes first, each request is answered, and the
/// session is either continued or, for the old token's late use, ended.
#[actix_web::test]
async fn a_token_and_its_successor_do_not_hold_each_other_up() {
    for _ in 0..5 {
        let app = App::start().await;
        let ada = app.owner("ada@example.com").await;
        let next = Session::of(&refresh(&app, &ada.refresh).await).refresh;
        let requests =
            (0..10).map(|n| refresh(&app, if n % 2 == 0 { &ada.refresh } else { &next }));
        for answer in join_all(requests).await {
            assert!(matches!(answer.status, 200 | 401), "{answer:#?}");
        }
    }
}

async fn refresh(app: &App, token: &str) -> Answer {
    let body: Value = json!({ "refresh_token": token });
    app.post("/v1/auth/refresh", body).await
}
