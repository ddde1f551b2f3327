//! Answers that leave a doubt, and that Stripe would only repeat.

use billing_api::{ChargeOutcome, DeclineReason, GatewayError, RefundOutcome};
use serde_json::{Value, json};

use crate::support::{Bench, INTENTS, REFUNDS, error, intent, list, paid, refunded, told};

/// The outcome of a charge that Stripe answers so, and what it has of it.
async fn looked_up(status: u16, intents: &[Value]) -> Result<ChargeOutcome, GatewayError> {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, status, error("api_error", "oops")).await;
    bench.answers("GET", INTENTS, 200, list(intents)).await;
    bench.charge().await
}

fn declined_intent() -> Value {
    let mut declined = intent("requires_payment_method");
    declined["last_payment_error"] =
        json!({ "type": "card_error", "code": "card_declined", "decline_code": "expired_card" });
    declined
}

fn of_another() -> Value {
    let mut other = intent("succeeded");
    other["id"] = json!("pi_of_another");
    other["metadata"] = json!({ "ashlar_operation": "billing/charge/another" });
    other
}

#[tokio::test]
async fn a_failure_of_stripe_is_found_out_by_looking() {
    for status in [424, 500, 502, 503, 504, 418] {
        let found = looked_up(status, &[of_another(), intent("succeeded")]).await;
        assert_eq!(found.expect("an outcome"), paid(), "{status}");
        let found = looked_up(status, &[declined_intent()]).await.expect("an outcome");
        assert_eq!(found, ChargeOutcome::Declined(DeclineReason::ExpiredCard), "{status}");
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_over_stays_unknown() {
    for there in [vec![], vec![of_another()], vec![intent("processing")]] {
        let outcome = looked_up(500, &there).await;
        assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_leaves_it_unknown() {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, 500, error("api_error", "oops")).await;
    bench.answers("GET", INTENTS, 401, error("invalid_request_error", "api_key_expired")).await;
    let error = bench.charge().await.expect_err("no outcome");
    assert!(matches!(error, GatewayError::Unknown(_)), "{error:?}");
    assert!(told(&error).contains("500"), "the failure is told: {}", told(&error));
}

#[tokio::test]
async fn an_intent_that_was_still_at_work_is_looked_at_again() {
    let bench = Bench::new().await;
    // What Stripe repeats is what it said first.
    bench.answers("POST", INTENTS, 200, intent("processing")).await;
    let one = format!("{INTENTS}/pi_1");
    bench.answers_once("GET", &one, 200, intent("processing")).await;
    bench.answers_once("GET", &one, 200, intent("succeeded")).await;
    let error = bench.charge().await.expect_err("no outcome");
    assert!(matches!(error, GatewayError::Unknown(_)), "{error:?}");
    assert_eq!(bench.charge().await.expect("an outcome"), paid());
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown() {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, 200, json!({ "id": 7 })).await;
    let error = bench.charge().await.expect_err("no outcome");
    assert!(matches!(error, GatewayError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn a_refund_is_found_out_by_looking_too() {
    let bench = Bench::new().await;
    bench.answers("POST", REFUNDS, 503, error("api_error", "oops")).await;
    bench.answers_once("GET", REFUNDS, 200, list(&[])).await;
    bench.answers("GET", REFUNDS, 200, list(&[refunded("pending")])).await;
    let error = bench.refund().await.expect_err("no outcome");
    assert!(matches!(error, GatewayError::Unknown(_)), "{error:?}");
    let outcome = bench.refund().await.expect("an outcome");
    assert!(matches!(outcome, RefundOutcome::Refunded(_)), "{outcome:?}");
}
