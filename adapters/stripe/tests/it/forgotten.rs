//! Keys that Stripe may have forgotten.

use std::time::Duration;

use billing_api::{ChargeRequest, GatewayError, PaymentGateway, RefundRequest};
use kernel::Money;
use serde_json::json;

use crate::support::{
    Bench, INTENTS, REFUNDS, charge, error, intent, list, paid, refund, refunded,
};

const A_DAY: Duration = Duration::from_secs(86_400);
const ALMOST_A_DAY: Duration = Duration::from_secs(22 * 3_600);

#[tokio::test]
async fn what_was_charged_a_day_ago_is_not_charged_again() {
    let bench = Bench::new().await;
    bench.answers("GET", INTENTS, 200, list(&[intent("succeeded")])).await;
    bench.clock.advance(A_DAY);
    assert_eq!(bench.charge().await.expect("an outcome"), paid());
    assert_eq!(bench.sent("POST").await, 0);
}

#[tokio::test]
async fn as_long_as_stripe_knows_the_key_nothing_is_looked_up() {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, 200, intent("succeeded")).await;
    bench.clock.advance(ALMOST_A_DAY);
    assert_eq!(bench.charge().await.expect("an outcome"), paid());
    assert_eq!(bench.sent("GET").await, 0);
}

#[tokio::test]
async fn nothing_is_charged_without_having_looked() {
    for status in [401, 429, 500] {
        let bench = Bench::new().await;
        bench.answers("GET", INTENTS, status, error("api_error", "oops")).await;
        bench.clock.advance(A_DAY);
        let outcome = bench.charge().await;
        assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{status}: {outcome:?}");
        assert_eq!(bench.sent("POST").await, 0);
    }
}

#[tokio::test]
async fn all_pages_are_looked_through_and_no_more_than_there_may_be() {
    let bench = Bench::new().await;
    let mut other = intent("succeeded");
    other["metadata"] = json!({});
    let more = json!({ "data": [other.clone(), other], "has_more": true });
    for _ in 0..3 {
        bench.answers_once("GET", INTENTS, 200, more.clone()).await;
    }
    bench.answers_once("GET", INTENTS, 200, list(&[intent("succeeded")])).await;
    bench.clock.advance(A_DAY);
    assert_eq!(bench.charge().await.expect("an outcome"), paid());
    let last = bench.requests().await.pop().expect("a request");
    assert!(last.url.query().expect("a query").contains("starting_after=pi_1"));

    bench.answers("GET", INTENTS, 200, more).await;
    let outcome = bench.charge().await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
    assert_eq!(bench.sent("POST").await, 0);
}

#[tokio::test]
async fn another_charge_under_the_key_is_refused_as_stripe_would() {
    let bench = Bench::new().await;
    bench.answers("GET", INTENTS, 200, list(&[intent("succeeded")])).await;
    bench.clock.advance(A_DAY);
    let amount = Money::new(3_601, charge().amount.currency);
    let outcome = bench.gateway.charge(ChargeRequest { amount, ..charge() }).await;
    assert!(matches!(outcome, Err(GatewayError::KeyReused)), "{outcome:?}");
}

#[tokio::test]
async fn what_was_refunded_a_day_ago_is_not_refunded_again() {
    let bench = Bench::new().await;
    bench.answers("GET", REFUNDS, 200, list(&[refunded("succeeded")])).await;
    bench.clock.advance(A_DAY);
    bench.refund().await.expect("an outcome");
    let amount = Money::new(601, refund().amount.currency);
    let outcome = bench.gateway.refund(RefundRequest { amount, ..refund() }).await;
    assert!(matches!(outcome, Err(GatewayError::KeyReused)), "{outcome:?}");
    assert_eq!(bench.sent("POST").await, 0);
}
