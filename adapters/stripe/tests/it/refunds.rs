//! Refunds, status by status.

use billing_api::{GatewayError, Refund, RefundOutcome, RefundRefusal};
use serde_json::{Value, json};

use crate::support::{Bench, REFUNDS, error, list, refunded};

async fn answered(status: u16, body: Value) -> Result<RefundOutcome, GatewayError> {
    let bench = Bench::new().await;
    bench.answers("POST", REFUNDS, status, body).await;
    bench.answers("GET", REFUNDS, 200, list(&[])).await;
    bench.refund().await
}

#[tokio::test]
async fn ok_200_is_refunded_once_stripe_has_it() {
    for status in ["succeeded", "pending"] {
        let outcome = answered(200, refunded(status)).await.expect("an outcome");
        let reference = "re_1".to_owned();
        assert_eq!(outcome, RefundOutcome::Refunded(Refund { reference }), "{status}");
    }
    for status in ["failed", "canceled"] {
        let outcome = answered(200, refunded(status)).await.expect("an outcome");
        assert_eq!(outcome, RefundOutcome::Refused(RefundRefusal::Failed), "{status}");
    }
    let outcome = answered(200, refunded("requires_action")).await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
}

#[tokio::test]
async fn bad_request_400_is_a_refusal_where_it_is_one() {
    for (code, param, refusal) in [
        ("charge_already_refunded", "", RefundRefusal::MoreThanLeft),
        ("", "amount", RefundRefusal::MoreThanLeft),
        ("resource_missing", "payment_intent", RefundRefusal::UnknownCharge),
        ("charge_disputed", "", RefundRefusal::Failed),
    ] {
        let body = json!({ "error": {
            "type": "invalid_request_error", "code": code, "param": param,
        } });
        let outcome = answered(400, body).await.expect("an outcome");
        assert_eq!(outcome, RefundOutcome::Refused(refusal), "{code} {param}");
    }
    let outcome = answered(400, error("invalid_request_error", "parameter_unknown")).await;
    assert!(matches!(outcome, Err(GatewayError::Rejected(_))), "{outcome:?}");
    let outcome = answered(400, error("idempotency_error", "")).await;
    assert!(matches!(outcome, Err(GatewayError::KeyReused)), "{outcome:?}");
}

#[tokio::test]
async fn a_charge_that_stripe_does_not_know_404_is_a_refusal() {
    let body = json!({ "error": { "code": "resource_missing", "param": "payment_intent" } });
    let outcome = answered(404, body).await.expect("an outcome");
    assert_eq!(outcome, RefundOutcome::Refused(RefundRefusal::UnknownCharge));
}

#[tokio::test]
async fn turned_away_nothing_is_refunded() {
    for status in [401, 403, 429] {
        let outcome = answered(status, error("invalid_request_error", "code")).await;
        assert!(matches!(outcome, Err(GatewayError::Unreachable(_))), "{status}: {outcome:?}");
    }
}
