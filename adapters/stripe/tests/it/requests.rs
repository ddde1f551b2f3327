//! What is sent, to the letter.

use std::time::Duration;

use billing_api::{ChargeRequest, CustomerRequest, PaymentGateway, RefundRequest};
use kernel::CallKey;
use serde_json::json;

use crate::support::{Bench, CUSTOMERS, INTENTS, REFUNDS, charge, intent, list, refund, refunded};

const TWO_DAYS: Duration = Duration::from_secs(2 * 86_400);

#[tokio::test]
async fn a_customer() {
    let bench = Bench::new().await;
    bench.answers("POST", CUSTOMERS, 200, json!({ "id": "cus_1" })).await;
    let request = CustomerRequest {
        key: CallKey::new("billing/customer/1"),
        tenant: charge().tenant,
        allowed: Duration::from_secs(5),
    };
    let customer = bench.gateway.customer(request).await.expect("a customer");
    assert_eq!(customer.reference, "cus_1");
    insta::assert_snapshot!(bench.transcript().await);
}

#[tokio::test]
async fn a_charge() {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, 200, intent("succeeded")).await;
    bench.charge().await.expect("an outcome");
    insta::assert_snapshot!(bench.transcript().await);
}

#[tokio::test]
async fn a_charge_of_long_ago() {
    let bench = Bench::new().await;
    bench.answers("GET", INTENTS, 200, list(&[])).await;
    bench.answers("POST", INTENTS, 200, intent("succeeded")).await;
    let old = ChargeRequest { begun_at: charge().begun_at - TWO_DAYS, ..charge() };
    bench.gateway.charge(old).await.expect("an outcome");
    insta::assert_snapshot!(bench.transcript().await);
}

#[tokio::test]
async fn a_refund() {
    let bench = Bench::new().await;
    bench.answers("POST", REFUNDS, 200, refunded("succeeded")).await;
    bench.refund().await.expect("an outcome");
    insta::assert_snapshot!(bench.transcript().await);
}

#[tokio::test]
async fn a_refund_of_long_ago() {
    let bench = Bench::new().await;
    bench.answers("GET", REFUNDS, 200, list(&[])).await;
    bench.answers("POST", REFUNDS, 200, refunded("succeeded")).await;
    let old = RefundRequest { begun_at: refund().begun_at - TWO_DAYS, ..refund() };
    bench.gateway.refund(old).await.expect("an outcome");
    insta::assert_snapshot!(bench.transcript().await);
}

/// The parameters are compared by Stripe: with others, the key would be refused.
#[tokio::test]
async fn asked_again_it_is_the_same_request() {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, 200, intent("succeeded")).await;
    bench.charge().await.expect("an outcome");
    bench.clock.advance(Duration::from_secs(3_600));
    let patient = ChargeRequest { allowed: Duration::from_secs(20), ..charge() };
    bench.gateway.charge(patient).await.expect("an outcome");
    let requests = bench.requests().await;
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
}
