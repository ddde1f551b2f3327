//! Invoices.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{Bench, check_problem, order};

#[actix_web::test]
async fn an_invoice_shows_its_lines() {
    let bench = Bench::new().await;
    assert_eq!(bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await.status, 201);
    let list = bench.get("owner@1", "/v1/billing/invoices").await;
    assert_eq!(list.status, 200);
    assert_json_snapshot!("invoices", list.body);
    let id = list.body["items"][0]["id"].as_str().expect("an id");
    let invoice = bench.get("owner@1", &format!("/v1/billing/invoices/{id}")).await;
    assert_eq!(invoice.status, 200);
    assert_json_snapshot!("invoice", invoice.body);
}

#[actix_web::test]
async fn a_foreign_invoice_is_not_there() {
    let bench = Bench::new().await;
    assert_eq!(bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await.status, 201);
    let list = bench.get("owner@1", "/v1/billing/invoices").await;
    let id = list.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/billing/invoices/{id}");
    assert_eq!(bench.get("owner@1", &path).await.status, 200);
    let foreign = bench.get("owner@2", &path).await;
    check_problem(&foreign, 404, "not-found");
    let unheard_of = format!("/v1/billing/invoices/{}", uuid::Uuid::from_u128(7));
    let unheard_of = bench.get("owner@2", &unheard_of).await;
    assert_eq!(unheard_of.lasting_body(), foreign.lasting_body(), "the two are told alike");
    let list = bench.get("owner@2", "/v1/billing/invoices").await;
    assert_eq!(list.body, json!({ "items": [] }));
}

#[actix_web::test]
async fn a_declined_invoice_is_nobodys_to_see() {
    let bench = Bench::new().await;
    let declined = order("pm_card_visa_chargeDeclined");
    assert_eq!(bench.subscribe("owner@1", "key-1", declined).await.status, 402);
    // Ids are sequential here: whatever the invoice's is, it is one of these.
    for n in 1..20 {
        let path = format!("/v1/billing/invoices/{}", uuid::Uuid::from_u128(n));
        check_problem(&bench.get("owner@1", &path).await, 404, "not-found");
    }
}

#[actix_web::test]
async fn bad_parameters_are_400() {
    let bench = Bench::new().await;
    for path in ["invoices/7", "invoices?cursor=nonsense", "invoices?limit=x", "invoices?page=2"] {
        let answer = bench.get("owner@1", &format!("/v1/billing/{path}")).await;
        check_problem(&answer, 400, "invalid-parameter");
    }
}
