//! Refunds: <https://docs.stripe.com/api/refunds/create>. Found out as charges are; see
//! `charges.rs`.

use std::collections::BTreeMap;

use billing_api::{GatewayError, Refund, RefundOutcome, RefundRefusal, RefundRequest};
use serde::Deserialize;

use crate::{
    StripeGateway,
    api::{Deadline, Listed},
    errors::{Refusal, StripeError},
    form::{Form, OPERATION},
    meaning::Meaning,
};

const PATH: &str = "/v1/refunds";

/// What is read of a refund.
#[derive(Debug, Deserialize)]
struct StripeRefund {
    id: String,
    /// Missing in some that were made long ago.
    #[serde(default)]
    status: Option<String>,
    amount: i64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl StripeGateway {
    pub(crate) async fn make_refund(
        &self,
        request: RefundRequest,
    ) -> Result<RefundOutcome, GatewayError> {
        let deadline = Deadline::after(request.allowed);
        if self.may_have_forgotten(request.begun_at)
            && let Some(refund) = self.find_refund(&request, deadline).await?
        {
            return refund.outcome();
        }
        let form = Form::default()
            .with("payment_intent", request.charge.as_str())
            .with("amount", request.amount.amount.to_string())
            .with_metadata(OPERATION, request.key.as_str());
        let made = self.api.post::<StripeRefund>(PATH, &request.key, &form, deadline).await;
        match made {
            Ok(refund) => refund.outcome(),
            Err(StripeError::Refused(refusal)) => match refused(&refusal) {
                Some(refusal) => Ok(RefundOutcome::Refused(refusal)),
                None if refusal.meaning() == Meaning::Unclear => {
                    match self.find_refund(&request, deadline).await {
                        Ok(Some(refund)) => refund.outcome(),
                        Err(GatewayError::KeyReused) => Err(GatewayError::KeyReused),
                        Ok(None) | Err(_) => Err(StripeError::Refused(refusal).into()),
                    }
                }
                None => Err(StripeError::Refused(refusal).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The refund that was made for the request before, if there is one. A charge that Stripe does
    /// not know has none.
    async fn find_refund(
        &self,
        request: &RefundRequest,
        deadline: Deadline,
    ) -> Result<Option<StripeRefund>, GatewayError> {
        let form = Form::default().with("payment_intent", request.charge.as_str());
        match self.api.find::<StripeRefund>(PATH, &request.key, &form, deadline).await {
            Err(StripeError::Refused(refusal)) if refusal.meaning() == Meaning::Mistake => Ok(None),
            Ok(Some(refund)) if refund.amount != request.amount.amount => {
                Err(GatewayError::KeyReused)
            }
            found => found.map_err(StripeError::into_unknown),
        }
    }
}

fn refused(refusal: &Refusal) -> Option<RefundRefusal> {
    match refusal.meaning() {
        Meaning::Declined => Some(RefundRefusal::Failed),
        Meaning::Mistake if refusal.has_code("charge_already_refunded") => {
            Some(RefundRefusal::MoreThanLeft)
        }
        Meaning::Mistake if refusal.has_code("charge_disputed") => Some(RefundRefusal::Failed),
        Meaning::Mistake if refusal.is_about("amount") => Some(RefundRefusal::MoreThanLeft),
        // There is none, or none by which money was taken.
        Meaning::Mistake if refusal.is_about("payment_intent") => {
            Some(RefundRefusal::UnknownCharge)
        }
        _ => None,
    }
}

impl StripeRefund {
    fn outcome(self) -> Result<RefundOutcome, GatewayError> {
        match self.status.as_deref() {
            // On its way, at some banks for days. Should it come back, Stripe tells by webhook.
            Some("succeeded" | "pending") | None => {
                Ok(RefundOutcome::Refunded(Refund { reference: self.id }))
            }
            Some("failed" | "canceled") => Ok(RefundOutcome::Refused(RefundRefusal::Failed)),
            Some(status) => {
                let status = status.to_owned();
                Err(StripeError::Unfinished { object: self.id, status }.into_unknown())
            }
        }
    }
}

impl Listed for StripeRefund {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}
