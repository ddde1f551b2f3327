//! What traces and metrics tell of the payment provider, whichever it is.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use billing_api::{
    ChargeOutcome, ChargeRequest, Customer, CustomerRequest, GatewayError, MODULE, PaymentGateway,
    RefundOutcome, RefundRequest,
};
use telemetry::{conventions::ERROR_TYPE, metrics::provider_request};
use tracing::{Instrument, Span, field};

/// A gateway each request to which is a span, and is counted.
pub(crate) struct TracedGateway(pub(crate) Arc<dyn PaymentGateway>);

impl TracedGateway {
    fn span(&self, operation: &'static str) -> Span {
        tracing::debug_span!(
            "payment.request",
            otel.kind = "client",
            otel.name = format_args!("{operation} by {}", self.provider()),
            peer.service = self.provider(),
            payment.operation = operation,
            payment.outcome = field::Empty,
            error.type = field::Empty,
        )
    }
}

/// Does `work`, which is `operation`, in `span`, and tells how it came out. That the bank said no is no
/// failure.
async fn within<T>(
    operation: &'static str,
    span: Span,
    work: impl Future<Output = Result<T, GatewayError>>,
    outcome: impl FnOnce(&T) -> &'static str,
) -> Result<T, GatewayError> {
    let begun = Instant::now();
    let done = work.instrument(span.clone()).await;
    let (field, outcome) = match &done {
        Ok(value) => ("payment.outcome", outcome(value)),
        Err(error) => (ERROR_TYPE, class(error)),
    };
    span.record(field, outcome);
    provider_request(MODULE.name, operation, outcome, begun.elapsed());
    done
}

const fn class(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Unreachable(_) => "unreachable",
        GatewayError::Rejected(_) => "rejected",
        GatewayError::Unknown(_) => "unknown",
        GatewayError::KeyReused => "key_reused",
    }
}

#[async_trait]
impl PaymentGateway for TracedGateway {
    fn provider(&self) -> &'static str {
        self.0.provider()
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        within("customer", self.span("customer"), self.0.customer(request), |_| "made").await
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        within("charge", self.span("charge"), self.0.charge(request), |outcome| match outcome {
            ChargeOutcome::Paid(_) => "paid",
            ChargeOutcome::Declined(_) => "declined",
        })
        .await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        within("refund", self.span("refund"), self.0.refund(request), |outcome| match outcome {
            RefundOutcome::Refunded(_) => "refunded",
            RefundOutcome::Refused(_) => "refused",
        })
        .await
    }
}
