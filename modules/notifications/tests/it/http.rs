//! `/v1/notifications`, as members use it.

use std::sync::Arc;

use actix_web::{
    http::{Method, StatusCode},
    test::{TestRequest, call_service, init_service, read_body},
};
use auth_api::MemberJoined;
use futures_util::future::join_all;
use kernel::{InvitationId, Role, TenantId, UserId};
use seam::async_trait;
use serde_json::{Value, json};
use tokens::AccessClaims;
use uuid::Uuid;
use web::{AccessRefusal, AccessVerifier, Edge, public_app};

use crate::{
    harness::{House, event_id, tenant},
    mails::{invoice_paid, payment_failed},
};

/// Takes `<user>/<tenant>/<role>` for a token.
struct Spelled;

#[async_trait]
impl AccessVerifier for Spelled {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let parts: Vec<&str> = token.split('/').collect();
        let [user, tenant, role] = parts.as_slice() else { return Err(AccessRefusal::Invalid) };
        Ok(AccessClaims {
            user: user.parse().map_err(|_| AccessRefusal::Invalid)?,
            tenant: tenant.parse().map_err(|_| AccessRefusal::Invalid)?,
            role: role.parse().map_err(|_| AccessRefusal::Invalid)?,
        })
    }
}

/// A member of a tenant.
#[derive(Clone, Copy)]
struct Member {
    user: UserId,
    tenant: TenantId,
    role: Role,
}

impl Member {
    fn new(tenant: TenantId, role: Role) -> Self {
        Self { user: UserId(Uuid::now_v7()), tenant, role }
    }

    async fn send(self, house: &House, method: Method, path: &str) -> (StatusCode, Value) {
        let token = format!("{}/{}/{}", self.user, self.tenant, self.role.as_str());
        let request = TestRequest::with_uri(path)
            .method(method)
            .insert_header(("authorization", format!("Bearer {token}")));
        send(house, request).await
    }

    async fn inbox(self, house: &House) -> Value {
        let (status, body) = self.send(house, Method::GET, "/v1/notifications").await;
        assert_eq!(status, StatusCode::OK, "{body:#}");
        body
    }
}

async fn send(house: &House, request: TestRequest) -> (StatusCode, Value) {
    let edge = Edge::new(Arc::new(Spelled));
    let routes = house.routes.clone();
    let app = public_app(&edge, move |config| {
        for add in &routes {
            add(config);
        }
    });
    let answer = call_service(&init_service(app).await, request.to_request()).await;
    let (status, body) = (answer.status(), read_body(answer).await);
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// What somebody with `role` in `tenant` sees.
pub(crate) async fn inbox_of(house: &House, tenant: TenantId, role: Role) -> Value {
    Member::new(tenant, role).inbox(house).await
}

fn joined(name: &str) -> MemberJoined {
    MemberJoined {
        invitation: InvitationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
        name: name.to_owned(),
        role: Role::Member,
    }
}

fn kinds(inbox: &Value) -> Vec<&str> {
    let items = inbox["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["kind"].as_str()).collect()
}

#[actix_web::test]
async fn the_inbox_shows_what_happened() {
    let house = House::open().await;
    let tenant = tenant();
    let id = event_id();
    house.deliver(tenant, id, &invoice_paid()).await;
    house.deliver(tenant, id, &invoice_paid()).await;
    insta::assert_json_snapshot!(inbox_of(&house, tenant, Role::Owner).await, {
        ".items[].id" => "[id]",
    });
}

#[actix_web::test]
async fn only_those_who_see_billing_hear_of_payments() {
    let house = House::open().await;
    let tenant = tenant();
    house.deliver(tenant, event_id(), &payment_failed()).await;
    house.deliver(tenant, event_id(), &joined("Grace\r\n<b>Hopper</b>")).await;
    let owner = inbox_of(&house, tenant, Role::Owner).await;
    assert_eq!(kinds(&owner), ["auth.member_joined", "billing.payment_failed"]);
    let member = Member::new(tenant, Role::Member);
    let seen = member.inbox(&house).await;
    assert_eq!(kinds(&seen), ["auth.member_joined"]);
    assert_eq!(seen["items"][0]["title"], "Grace <b>Hopper</b> joined");

    let hidden = owner["items"][1]["id"].as_str().expect("an id");
    let path = format!("/v1/notifications/{hidden}/read");
    let (status, _) = member.send(&house, Method::POST, &path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn each_member_reads_for_themselves() {
    let house = House::open().await;
    let tenant = tenant();
    house.deliver(tenant, event_id(), &joined("Grace")).await;
    let (ada, eve) = (Member::new(tenant, Role::Owner), Member::new(tenant, Role::Member));
    let id = ada.inbox(&house).await["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/notifications/{id}/read");
    let (status, _) = ada.send(&house, Method::POST, &path).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let read_at = ada.inbox(&house).await["items"][0]["read_at"].clone();
    assert_eq!(read_at, "2026-03-01T12:00:00Z");

    // The second time says the same and changes nothing.
    house.clock.advance(std::time::Duration::from_secs(60));
    let (status, _) = ada.send(&house, Method::POST, &path).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(ada.inbox(&house).await["items"][0]["read_at"], read_at);
    assert_eq!(eve.inbox(&house).await["items"][0]["read_at"], Value::Null);
}

/// What two windows of one person do at the same time.
#[actix_web::test]
async fn an_entry_that_is_read_many_times_at_once_was_read_once() {
    let (house, tenant) = (House::open().await, tenant());
    house.deliver(tenant, event_id(), &joined("Grace")).await;
    let ada = Member::new(tenant, Role::Owner);
    let id = ada.inbox(&house).await["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/notifications/{id}/read");
    let answers = join_all((0..20).map(|_| ada.send(&house, Method::POST, &path))).await;
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::NO_CONTENT), "{answers:#?}");
    assert_eq!(ada.inbox(&house).await["items"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn a_foreign_entry_is_not_there() {
    let house = House::open().await;
    let (mine, foreign) = (tenant(), tenant());
    house.deliver(mine, event_id(), &joined("Grace")).await;
    let id = inbox_of(&house, mine, Role::Owner).await["items"][0]["id"].clone();
    let stranger = Member::new(foreign, Role::Owner);
    let path = format!("/v1/notifications/{}/read", id.as_str().expect("an id"));
    let (status, body) = stranger.send(&house, Method::POST, &path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["type"], "urn:ashlar:problem:not-found");
    assert_eq!(stranger.inbox(&house).await["items"], json!([]));
}

#[actix_web::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let house = House::open().await;
    let tenant = tenant();
    let mut expected = Vec::new();
    for n in 0..5 {
        // Two of a kind share a moment, so that the id has to order them.
        if n % 2 == 0 {
            house.clock.advance(std::time::Duration::from_millis(10));
        }
        house.deliver(tenant, event_id(), &joined(&format!("Member {n}"))).await;
        expected.insert(0, format!("Member {n} joined"));
    }
    let reader = Member::new(tenant, Role::Member);
    let (mut seen, mut path) = (Vec::new(), "/v1/notifications?limit=2".to_owned());
    loop {
        let (status, page) = reader.send(&house, Method::GET, &path).await;
        assert_eq!(status, StatusCode::OK, "{page:#}");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        seen.extend(items.iter().filter_map(|item| item["title"].as_str()).map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/notifications?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, expected);
}

#[actix_web::test]
async fn nobody_reads_without_a_token_and_no_nonsense_is_taken() {
    let house = House::open().await;
    let (status, body) = send(&house, TestRequest::with_uri("/v1/notifications")).await;
    assert_eq!(
        (status, &body["type"]),
        (StatusCode::UNAUTHORIZED, &json!("urn:ashlar:problem:unauthenticated"))
    );
    let reader = Member::new(tenant(), Role::Member);
    for path in ["/v1/notifications?cursor=nonsense", "/v1/notifications?page=2"] {
        let (status, body) = reader.send(&house, Method::GET, path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body:#}");
    }
    let (status, body) = reader.send(&house, Method::POST, "/v1/notifications/7/read").await;
    assert!(status.is_client_error(), "{body:#}");
}
