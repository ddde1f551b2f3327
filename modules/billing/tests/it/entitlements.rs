//! What a tenant may use.

use insta::assert_json_snapshot;

use crate::support::{Bench, order};

#[actix_web::test]
async fn a_subscription_brings_its_plan() {
    let bench = Bench::new().await;
    let before = bench.get("member@1", "/v1/billing/entitlements").await;
    assert_eq!(before.status, 200);
    assert_json_snapshot!("free", before.body);

    let declined = order("pm_card_visa_chargeDeclined");
    assert_eq!(bench.subscribe("owner@1", "key-1", declined).await.status, 402);
    let still = bench.get("member@1", "/v1/billing/entitlements").await;
    assert_eq!(still.body, before.body, "what was not paid for brings nothing");

    assert_eq!(bench.subscribe("owner@1", "key-2", order("pm_card_visa")).await.status, 201);
    let after = bench.get("member@1", "/v1/billing/entitlements").await;
    assert_json_snapshot!("team", after.body);
}
