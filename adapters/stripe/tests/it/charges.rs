//! Charges, status by status.

use billing_api::{ChargeOutcome, DeclineReason, GatewayError};
use serde_json::{Value, json};

use crate::support::{Bench, INTENTS, SECRET_KEY, error, intent, list, paid, told};

/// The outcome of a charge that Stripe answers like this.
async fn answered(status: u16, body: Value) -> Result<ChargeOutcome, GatewayError> {
    let bench = Bench::new().await;
    bench.answers("POST", INTENTS, status, body).await;
    bench.answers("GET", INTENTS, 200, list(&[])).await;
    bench.charge().await
}

#[tokio::test]
async fn ok_200_is_paid() {
    assert_eq!(answered(200, intent("succeeded")).await.expect("an outcome"), paid());
}

#[tokio::test]
async fn bad_request_400_is_a_mistake_and_nothing_is_charged() {
    let body = json!({ "error": {
        "type": "invalid_request_error", "code": "amount_too_small", "param": "amount",
    } });
    let error = answered(400, body).await.expect_err("no outcome");
    assert!(matches!(error, GatewayError::Rejected(_)), "{error:?}");
    insta::assert_snapshot!(told(&error));
}

#[tokio::test]
async fn bad_request_400_for_the_payment_method_is_a_decline() {
    for (code, reason) in [
        ("resource_missing", DeclineReason::UnknownPaymentMethod),
        ("payment_method_unexpected_state", DeclineReason::Generic),
    ] {
        let body = json!({ "error": {
            "type": "invalid_request_error", "code": code, "param": "payment_method",
        } });
        let outcome = answered(400, body).await.expect("an outcome");
        assert_eq!(outcome, ChargeOutcome::Declined(reason), "{code}");
    }
}

#[tokio::test]
async fn bad_request_400_for_the_key_is_a_reused_key() {
    let error = answered(400, json!({ "error": { "type": "idempotency_error" } })).await;
    assert!(matches!(error, Err(GatewayError::KeyReused)), "{error:?}");
}

#[tokio::test]
async fn payment_required_402_is_a_decline() {
    for (code, decline_code, reason) in [
        ("card_declined", "generic_decline", DeclineReason::Generic),
        ("card_declined", "insufficient_funds", DeclineReason::InsufficientFunds),
        ("card_declined", "stolen_card", DeclineReason::Generic),
        ("card_declined", "authentication_not_handled", DeclineReason::AuthenticationRequired),
        ("authentication_required", "", DeclineReason::AuthenticationRequired),
        ("expired_card", "expired_card", DeclineReason::ExpiredCard),
        ("expired_card", "", DeclineReason::ExpiredCard),
        ("processing_error", "", DeclineReason::Generic),
    ] {
        let body = json!({ "error": {
            "type": "card_error", "code": code, "decline_code": decline_code,
            "payment_intent": intent("requires_payment_method"),
        } });
        let outcome = answered(402, body).await.expect("an outcome");
        assert_eq!(outcome, ChargeOutcome::Declined(reason), "{code}/{decline_code}");
    }
}

#[tokio::test]
async fn not_found_404_is_a_mistake() {
    let error = answered(404, error("invalid_request_error", "resource_missing")).await;
    assert!(matches!(error, Err(GatewayError::Rejected(_))), "{error:?}");
}

#[tokio::test]
async fn unauthorized_401_forbidden_403_and_too_many_requests_429_charge_nothing() {
    for (status, code) in [
        (401, "api_key_expired"),
        (403, "more_permissions_required"),
        (429, "rate_limit"),
        (429, "lock_timeout"),
    ] {
        let outcome = answered(status, error("invalid_request_error", code)).await;
        assert!(matches!(outcome, Err(GatewayError::Unreachable(_))), "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn conflict_409_is_asked_again_until_there_is_an_answer() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        let in_use = error("idempotency_error", "idempotency_key_in_use");
        bench.answers_once("POST", INTENTS, 409, in_use).await;
    }
    bench.answers("POST", INTENTS, 200, intent("succeeded")).await;
    assert_eq!(bench.charge().await.expect("an outcome"), paid());
    assert_eq!(bench.sent("POST").await, 4);
}

/// What Stripe says may quote what was sent, and an error goes to the log.
#[tokio::test]
async fn no_error_repeats_what_stripe_says() {
    for status in [400, 401, 404, 429, 500] {
        let error =
            answered(status, error("api_error", "some_code")).await.expect_err("no outcome");
        let logged = format!("{} {error:?}", told(&error));
        assert!(logged.contains("some_code") && logged.contains("req_1"), "{logged}");
        assert!(!logged.contains(SECRET_KEY) && !logged.contains("pm_card"), "{logged}");
    }
}
