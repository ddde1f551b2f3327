//! Inviting, listing and revoking.

use std::time::Duration;

use auth::AuthSettings;
use auth_api::InvitationCreated;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, App, Session};

const GRACE: &str = "grace@example.com";
const INVITATIONS: &str = "/v1/auth/invitations";

async fn invite(app: &App, inviter: &Session, email: &str, role: &str) -> Answer {
    app.post_as(inviter, INVITATIONS, json!({ "email": email, "role": role })).await
}

fn id_of(answer: &Answer) -> String {
    answer.body["id"].as_str().expect("an id").to_owned()
}

fn statuses(list: &Answer) -> Vec<(&str, &str)> {
    let items = list.body["items"].as_array().into_iter().flatten();
    items
        .map(|item| {
            let text = |name: &str| item[name].as_str().expect("a text");
            (text("email"), text("status"))
        })
        .collect()
}

#[actix_web::test]
async fn an_invitation_holds_a_seat_and_goes_out_by_mail() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let answer = invite(&app, &ada, " Grace@Example.com", "member").await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    assert_json_snapshot!(answer.body);

    let holder = format!("invitation:{}", id_of(&answer));
    assert_eq!(app.billing.holders(), std::slice::from_ref(&holder));
    let keys = app.billing.keys();
    assert!(keys.len() == 1 && keys[0].starts_with(&holder), "{keys:?}");

    let created = app.heard::<InvitationCreated>().await;
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].email, GRACE);
    assert_eq!(created[0].tenant_name, "Analytical Engines");
    let token = app.invitation_token(GRACE).await;
    for event in app.bus.published() {
        assert!(!event.envelope.payload.to_string().contains(&token), "{event:?}");
    }
}

#[actix_web::test]
async fn members_do_not_invite_and_nobody_gives_more_than_they_hold() {
    let app = App::start().await;
    let owner = app.owner("ada@example.com").await;
    let admin = app.member(&owner, "admin@example.com", "admin").await;
    let member = app.member(&admin, "member@example.com", "member").await;
    invite(&app, &member, GRACE, "member").await.assert_problem(403, "forbidden");
    invite(&app, &admin, GRACE, "owner").await.assert_problem(403, "role-not-grantable");
    assert_eq!(invite(&app, &admin, "second@example.com", "admin").await.status, 201);
    assert_eq!(invite(&app, &owner, GRACE, "owner").await.status, 201);
    app.get_as(&member, INVITATIONS).await.assert_problem(403, "forbidden");
    let path = format!("{INVITATIONS}/{}", uuid_of_nobody());
    app.delete_as(&member, &path).await.assert_problem(403, "forbidden");
    let nobody = app.post(INVITATIONS, json!({ "email": GRACE, "role": "member" })).await;
    nobody.assert_problem(401, "unauthenticated");
}

fn uuid_of_nobody() -> String {
    kernel::CallId::random().to_string()
}

#[actix_web::test]
async fn a_member_is_not_invited() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    invite(&app, &ada, "ada@example.com", "member").await.assert_problem(409, "already-member");
    assert!(app.billing.keys().is_empty(), "billing was not asked");
}

#[actix_web::test]
async fn an_address_has_one_open_invitation_of_a_tenant() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let other = app.owner("other@example.com").await;
    let first = invite(&app, &ada, GRACE, "member").await;
    invite(&app, &ada, "GRACE@example.com", "admin").await.assert_problem(409, "already-invited");
    assert_eq!(invite(&app, &other, GRACE, "member").await.status, 201, "another tenant may");
    let path = format!("{INVITATIONS}/{}", id_of(&first));
    assert_eq!(app.delete_as(&ada, &path).await.status, 204);
    assert_eq!(invite(&app, &ada, GRACE, "admin").await.status, 201, "it is free again");
}

#[actix_web::test]
async fn what_is_wrong_with_an_invitation_is_told() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let answer = invite(&app, &ada, "grace", "member").await;
    answer.assert_problem(422, "invalid-body");
    assert_eq!(answer.refused_fields(), ["email"]);
    invite(&app, &ada, GRACE, "emperor").await.assert_problem(422, "invalid-body");
    let unknown = json!({ "email": GRACE, "role": "member", "note": "hi" });
    app.post_as(&ada, INVITATIONS, unknown).await.assert_problem(422, "invalid-body");
}

#[actix_web::test]
async fn a_revoked_invitation_gives_its_seat_back() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let invitation = invite(&app, &ada, GRACE, "member").await;
    let token = app.invitation_token(GRACE).await;
    let path = format!("{INVITATIONS}/{}", id_of(&invitation));
    assert_eq!(app.delete_as(&ada, &path).await.status, 204);
    assert_eq!(app.delete_as(&ada, &path).await.status, 204, "it stays revoked");
    app.settle().await;
    assert!(app.billing.holders().is_empty());
    assert_eq!(app.billing.released(), [format!("invitation:{}", id_of(&invitation))]);
    let accept = json!({ "token": token, "name": "Grace", "password": "correct horse" });
    let refused = app.post("/v1/auth/invitations/accept", accept).await;
    refused.assert_problem(400, "invalid-token");
    assert_eq!(statuses(&app.get_as(&ada, INVITATIONS).await), [(GRACE, "revoked")]);
    // The event that would have expired it is gone.
    app.advance(AuthSettings::default().invitation_lifetime);
    app.settle().await;
    let ada = app.log_in("ada@example.com").await;
    assert_eq!(statuses(&app.get_as(&ada, INVITATIONS).await), [(GRACE, "revoked")]);
}

#[actix_web::test]
async fn an_accepted_invitation_is_not_revoked() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.member(&ada, GRACE, "member").await;
    let list = app.get_as(&ada, INVITATIONS).await;
    let path = format!("{INVITATIONS}/{}", list.body["items"][0]["id"].as_str().expect("an id"));
    app.delete_as(&ada, &path).await.assert_problem(409, "invitation-accepted");
}

#[actix_web::test]
async fn a_foreign_invitation_is_not_there() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let eve = app.owner("eve@example.com").await;
    let invitation = invite(&app, &ada, GRACE, "member").await;
    let path = format!("{INVITATIONS}/{}", id_of(&invitation));
    app.delete_as(&eve, &path).await.assert_problem(404, "not-found");
    assert!(statuses(&app.get_as(&eve, INVITATIONS).await).is_empty());
    let nowhere = format!("{INVITATIONS}/{}", uuid_of_nobody());
    app.delete_as(&eve, &nowhere).await.assert_problem(404, "not-found");
    app.delete_as(&eve, &format!("{INVITATIONS}/17"))
        .await
        .assert_problem(400, "invalid-parameter");
    assert_eq!(statuses(&app.get_as(&ada, INVITATIONS).await), [(GRACE, "pending")]);
}

#[actix_web::test]
async fn an_invitation_expires_and_gives_its_seat_back() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    invite(&app, &ada, GRACE, "member").await;
    let token = app.invitation_token(GRACE).await;
    app.advance(AuthSettings::default().invitation_lifetime);
    let ada = app.log_in("ada@example.com").await;
    let seen = app.get_as(&ada, INVITATIONS).await;
    assert_eq!(statuses(&seen), [(GRACE, "expired")], "even before the event is handled");
    let accept = json!({ "token": token, "name": "Grace", "password": "correct horse" });
    let refused = app.post("/v1/auth/invitations/accept", accept).await;
    refused.assert_problem(400, "invalid-token");

    app.settle().await;
    assert!(app.billing.holders().is_empty());
    assert_eq!(statuses(&app.get_as(&ada, INVITATIONS).await), [(GRACE, "expired")]);
    assert_eq!(invite(&app, &ada, GRACE, "member").await.status, 201, "the address is free");
}

#[actix_web::test]
async fn invitations_come_in_pages_newest_first() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    for n in 1..=5 {
        invite(&app, &ada, &format!("{n}@example.com"), "member").await;
        // Two of the same moment are told apart by their ids.
        app.advance(Duration::from_millis(if n == 2 { 0 } else { 100 }));
    }
    let mut seen = Vec::new();
    let mut path = format!("{INVITATIONS}?limit=2");
    loop {
        let page = app.get_as(&ada, &path).await;
        assert_eq!(page.status, 200, "{page:#?}");
        seen.extend(statuses(&page).into_iter().map(|(email, _)| email.to_owned()));
        match &page.body["next_cursor"] {
            Value::String(cursor) => path = format!("{INVITATIONS}?limit=2&cursor={cursor}"),
            _ => break,
        }
    }
    let expected: Vec<_> = (1..=5).rev().map(|n| format!("{n}@example.com")).collect();
    assert_eq!(seen, expected);
    let odd = app.get_as(&ada, &format!("{INVITATIONS}?cursor=made-up")).await;
    odd.assert_problem(400, "invalid-parameter");
}
