//! `/v1/{{crate}}`, as members use it.

use std::time::Duration;

use actix_web::{http::StatusCode, test::TestRequest};
use kernel::TenantId;
use serde_json::{Value, json};

use crate::harness::{House, tenant};

const PATH: &str = "/v1/{{crate}}";

fn creation(key: &str, body: &Value) -> TestRequest {
    TestRequest::post().uri(PATH).insert_header(("idempotency-key", key)).set_json(body)
}

async fn create(house: &House, tenant: TenantId, name: &str) -> Value {
    let request = creation(&name.replace(' ', "-"), &json!({ "name": name }));
    let (status, body) = house.send(tenant, request).await;
    assert_eq!(status, StatusCode::CREATED, "{body:#}");
    body
}

async fn get(house: &House, tenant: TenantId, path: &str) -> (StatusCode, Value) {
    house.send(tenant, TestRequest::get().uri(path)).await
}

#[track_caller]
fn check_problem((status, body): (StatusCode, Value), expected: u16, slug: &str) {
    assert_eq!(status.as_u16(), expected, "{body:#}");
    assert_eq!(body["type"], format!("urn:ashlar:problem:{slug}"), "{body:#}");
}

#[actix_web::test]
async fn what_is_created_is_listed_and_shown() {
    let house = House::open().await;
    let created = create(&house, tenant(1), "Bridge").await;
    assert_eq!((&created["name"], &created["created_at"]), (
        &json!("Bridge"),
        &json!("2026-03-01T12:00:00Z"),
    ));
    let path = format!("{PATH}/{}", created["id"].as_str().expect("an id"));
    assert_eq!(get(&house, tenant(1), &path).await, (StatusCode::OK, created.clone()));
    let (_, listed) = get(&house, tenant(1), PATH).await;
    assert_eq!(listed, json!({ "items": [created] }));
    let published = house.published().await;
    assert_eq!(published.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["Bridge"]);
}

#[actix_web::test]
async fn a_repeated_request_is_answered_as_before_and_creates_nothing() {
    let house = House::open().await;
    let request = || creation("k", &json!({ "name": "Once" }));
    let first = house.send(tenant(1), request()).await;
    assert_eq!(house.send(tenant(1), request()).await, first);
    check_problem(
        house.send(tenant(1), creation("k", &json!({ "name": "Other" }))).await,
        422,
        "idempotency-key-reused",
    );
    let (_, listed) = get(&house, tenant(1), PATH).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed:#}");
    assert_eq!(house.published().await.len(), 1);
    // A key is its tenant's own.
    let (status, _) = house.send(tenant(2), request()).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[actix_web::test]
async fn tenants_do_not_see_each_others() {
    let house = House::open().await;
    let created = create(&house, tenant(1), "Mine").await;
    let path = format!("{PATH}/{}", created["id"].as_str().expect("an id"));
    check_problem(get(&house, tenant(2), &path).await, 404, "not-found");
    let (_, listed) = get(&house, tenant(2), PATH).await;
    assert_eq!(listed, json!({ "items": [] }));
}

#[actix_web::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let house = House::open().await;
    let mut expected = Vec::new();
    for n in 0..5 {
        // Two of a kind share a moment, so that the id has to order them.
        if n % 2 == 0 {
            house.store.clock().advance(Duration::from_millis(10));
        }
        let name = format!("Number {n}");
        create(&house, tenant(1), &name).await;
        expected.insert(0, name);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{PATH}?limit=2"));
    loop {
        let (status, page) = get(&house, tenant(1), &path).await;
        assert_eq!(status, StatusCode::OK, "{page:#}");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        seen.extend(items.iter().filter_map(|item| item["name"].as_str()).map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{PATH}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, expected);
}

#[actix_web::test]
async fn bad_requests_are_problems() {
    let house = House::open().await;
    let unknown = json!({ "name": "A", "colour": "blue" });
    for body in [json!({ "name": "" }), json!({ "name": "two\nlines" }), unknown] {
        let (status, body) = house.send(tenant(1), creation("k", &body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body:#}");
    }
    let keyless = TestRequest::post().uri(PATH).set_json(json!({ "name": "A" }));
    check_problem(house.send(tenant(1), keyless).await, 400, "idempotency-key-missing");
    let stranger = house.send_as_it_is(TestRequest::get().uri(PATH)).await;
    check_problem(stranger, 401, "unauthenticated");
    let (status, body) = get(&house, tenant(1), &format!("{PATH}/7")).await;
    assert!(status.is_client_error(), "{body:#}");
    // A request that was refused has not used its key up.
    create(&house, tenant(1), "k").await;
}
