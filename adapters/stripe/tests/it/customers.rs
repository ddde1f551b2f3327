//! Customers, where there is none.

use std::time::Duration;

use billing_api::{CustomerRequest, GatewayError, PaymentGateway};
use kernel::CallKey;

use crate::support::{Bench, CUSTOMERS, charge, error};

#[tokio::test]
async fn no_failure_is_taken_for_a_customer() {
    for (status, kind, expected) in [
        (400, "invalid_request_error", "Rejected"),
        (400, "idempotency_error", "KeyReused"),
        (401, "invalid_request_error", "Unreachable"),
        (402, "card_error", "Unknown"),
        (403, "invalid_request_error", "Unreachable"),
        (404, "invalid_request_error", "Rejected"),
        (429, "invalid_request_error", "Unreachable"),
        (500, "api_error", "Unknown"),
    ] {
        let bench = Bench::new().await;
        bench.answers("POST", CUSTOMERS, status, error(kind, "code")).await;
        let request = CustomerRequest {
            key: CallKey::new("billing/customer/1"),
            tenant: charge().tenant,
            allowed: Duration::from_secs(5),
        };
        let found = match bench.gateway.customer(request).await.expect_err("no customer") {
            GatewayError::Rejected(_) => "Rejected",
            GatewayError::KeyReused => "KeyReused",
            GatewayError::Unreachable(_) => "Unreachable",
            GatewayError::Unknown(_) => "Unknown",
        };
        assert_eq!(found, expected, "{status} {kind}");
    }
}
