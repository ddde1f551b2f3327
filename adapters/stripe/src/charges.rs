//! Charges: payment intents that are confirmed as they are made
//! (<https://docs.stripe.com/api/payment_intents/create>).
//!
//! # How an outcome is found out, and only once
//!
//! 1. The intent is made and confirmed in one request, under our own key. It ends there and then:
//!    only cards are taken, and a bank that wants to hear from the owner of the card makes it fail
//!    (`error_on_requires_action`). A time-out is resolved by asking again: Stripe answers as it
//!    did, or would have.
//! 2. Two answers are no outcome however often they are asked for, since Stripe repeats what it
//!    said first: one of its own failures (5xx), and an intent that was still at work. Then the
//!    intent is looked up. One that is not there was not made, or not yet: the outcome stays
//!    unknown, and after a day, when the key is forgotten, 3 applies.
//! 3. A key that Stripe may have forgotten protects from nothing. So what was begun a day ago is
//!    looked up *before* it is asked for: the intent carries our key in its metadata. Where it is
//!    not there it is made, under the same key, so that two who look at once still make one.

use std::collections::BTreeMap;

use billing_api::{Charge, ChargeOutcome, ChargeRequest, DeclineReason, GatewayError};
use serde::Deserialize;

use crate::{
    StripeGateway,
    api::{Deadline, Listed},
    errors::{ErrorBody, Refusal, StripeError},
    form::{Form, OPERATION, TENANT},
    meaning::Meaning,
};

const PATH: &str = "/v1/payment_intents";

/// What is read of a payment intent.
#[derive(Debug, Deserialize)]
struct PaymentIntent {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    last_payment_error: Option<ErrorBody>,
}

impl StripeGateway {
    pub(crate) async fn make_charge(
        &self,
        request: ChargeRequest,
    ) -> Result<ChargeOutcome, GatewayError> {
        let deadline = Deadline::after(request.allowed);
        if self.may_have_forgotten(request.begun_at)
            && let Some(intent) = self.find_intent(&request, deadline).await?
        {
            return intent.outcome();
        }
        match self.api.post(PATH, &request.key, &form(&request), deadline).await {
            Ok(intent) => self.concluded(intent, deadline).await,
            Err(StripeError::Refused(refusal)) => match declined(&refusal) {
                Some(reason) => Ok(ChargeOutcome::Declined(reason)),
                None if refusal.meaning() == Meaning::Unclear => {
                    self.look_instead(refusal, &request, deadline).await
                }
                None => Err(StripeError::Refused(refusal).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The outcome of an intent that was made now, or before under the same key: what it is then is
    /// what it was, and it may have gone on since.
    async fn concluded(
        &self,
        intent: PaymentIntent,
        deadline: Deadline,
    ) -> Result<ChargeOutcome, GatewayError> {
        if intent.is_over() {
            return intent.outcome();
        }
        let path = format!("{PATH}/{}", intent.id);
        let now = self.api.get::<PaymentIntent>(&path, &Form::default(), deadline).await;
        now.map_err(StripeError::into_unknown)?.outcome()
    }

    /// For an answer that Stripe would only repeat.
    async fn look_instead(
        &self,
        refusal: Refusal,
        request: &ChargeRequest,
        deadline: Deadline,
    ) -> Result<ChargeOutcome, GatewayError> {
        match self.find_intent(request, deadline).await {
            Ok(Some(intent)) => intent.outcome(),
            Err(GatewayError::KeyReused) => Err(GatewayError::KeyReused),
            // That the look failed too matters less than why it was needed.
            Ok(None) | Err(_) => Err(StripeError::Refused(refusal).into()),
        }
    }

    /// The intent that was made for the request before, if there is one.
    async fn find_intent(
        &self,
        request: &ChargeRequest,
        deadline: Deadline,
    ) -> Result<Option<PaymentIntent>, GatewayError> {
        let customer = request.customer.as_ref().map(|customer| customer.reference.as_str());
        let form = Form::default()
            .with_some("customer", customer)
            .with("created[gte]", Self::made_since(request.begun_at));
        let found = self.api.find::<PaymentIntent>(PATH, &request.key, &form, deadline).await;
        match found.map_err(StripeError::into_unknown)? {
            Some(intent) if !intent.is_for(request) => Err(GatewayError::KeyReused),
            found => Ok(found),
        }
    }
}

impl StripeError {
    /// For a look at what may have been done: whatever it fails with says nothing of the money.
    pub(crate) fn into_unknown(self) -> GatewayError {
        GatewayError::Unknown(self.into())
    }
}

/// The parameters are the same at every time of asking, or Stripe refuses the key.
fn form(request: &ChargeRequest) -> Form {
    let ChargeRequest { key, tenant, customer, amount, payment_method, description, .. } = request;
    Form::default()
        .with("amount", amount.amount.to_string())
        .with("currency", amount.currency.code().to_lowercase())
        .with_some("customer", customer.as_ref().map(|customer| customer.reference.as_str()))
        .with("payment_method", payment_method.expose())
        .with("payment_method_types[]", "card")
        .with("confirm", "true")
        .with("error_on_requires_action", "true")
        .with("description", description)
        .with_metadata(OPERATION, key.as_str())
        .with_metadata(TENANT, tenant.to_string())
}

/// Why nothing is charged, where that is the customer's to mend.
fn declined(refusal: &Refusal) -> Option<DeclineReason> {
    match refusal.meaning() {
        Meaning::Declined => Some(refusal.decline_reason()),
        Meaning::Mistake if refusal.is_about("payment_method") => {
            Some(match refusal.has_code("resource_missing") {
                true => DeclineReason::UnknownPaymentMethod,
                // Another customer's, used up, or not a card.
                false => DeclineReason::Generic,
            })
        }
        _ => None,
    }
}

impl PaymentIntent {
    /// Whether nothing more becomes of it
    /// (<https://docs.stripe.com/payments/paymentintents/lifecycle>): nobody confirms an intent of
    /// ours a second time.
    fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "canceled")
            || (self.status == "requires_payment_method" && self.last_payment_error.is_some())
    }

    /// What Stripe itself sees to as long as it knows the key.
    fn is_for(&self, request: &ChargeRequest) -> bool {
        self.amount == request.amount.amount
            && self.currency.eq_ignore_ascii_case(request.amount.currency.code())
    }

    fn outcome(self) -> Result<ChargeOutcome, GatewayError> {
        if !self.is_over() {
            let Self { id: object, status, .. } = self;
            return Err(StripeError::Unfinished { object, status }.into_unknown());
        }
        if self.status == "succeeded" {
            return Ok(ChargeOutcome::Paid(Charge { reference: self.id }));
        }
        let error = self.last_payment_error.unwrap_or_default();
        Ok(ChargeOutcome::Declined(error.decline_reason()))
    }
}

impl Listed for PaymentIntent {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}
