//! What a refusal means for the money: the one table that everything else goes by.

use billing_api::{DeclineReason, GatewayError};

use crate::errors::{Refusal, StripeError};

/// What a refusal means (<https://docs.stripe.com/api/errors>,
/// <https://docs.stripe.com/error-low-level>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// 402: it was tried, and the bank or the provider said no. Said again to whoever asks again.
    Declined,
    /// 400 with `idempotency_error`: the key was sent with something else before.
    KeyReused,
    /// 409: another request with the key, or on the same object, is at work. Ask again.
    InFlight,
    /// 401, 403, 429: turned away before anything was tried, and before the key was looked at.
    /// Ask again later, perhaps after somebody has mended the credentials.
    TurnedAway,
    /// 400, 404: the request is wrong as it stands. Nothing was tried.
    Mistake,
    /// 424, 500 and above, and what Stripe does not document: anything may have happened. **The
    /// answer is kept under the key and repeated**, so that asking again does not tell; looking
    /// does.
    Unclear,
}

impl Refusal {
    pub(crate) fn meaning(&self) -> Meaning {
        match self.status {
            400 if self.error.r#type.as_deref() == Some("idempotency_error") => Meaning::KeyReused,
            402 => Meaning::Declined,
            409 => Meaning::InFlight,
            401 | 403 | 429 => Meaning::TurnedAway,
            400 | 404 => Meaning::Mistake,
            _ => Meaning::Unclear,
        }
    }

    /// The reason of a [`Meaning::Declined`]: <https://docs.stripe.com/declines/codes>. What the
    /// bank suspects (a stolen card, fraud) is not for the customer to hear, as Stripe advises.
    pub(crate) fn decline_reason(&self) -> DeclineReason {
        self.error.decline_reason()
    }
}

impl crate::errors::ErrorBody {
    pub(crate) fn decline_reason(&self) -> DeclineReason {
        // The bank's reason is the better one where there are two.
        for code in [&self.decline_code, &self.code] {
            match code.as_deref() {
                Some("insufficient_funds") => return DeclineReason::InsufficientFunds,
                Some("expired_card") => return DeclineReason::ExpiredCard,
                Some(
                    "authentication_required"
                    | "authentication_not_handled"
                    | "payment_intent_authentication_failure",
                ) => return DeclineReason::AuthenticationRequired,
                _ => {}
            }
        }
        DeclineReason::Generic
    }
}

impl From<StripeError> for GatewayError {
    /// For those who asked for something to be done. A decline is an outcome, and is looked for
    /// before it comes to this.
    fn from(error: StripeError) -> Self {
        match &error {
            StripeError::Unconnected(_) | StripeError::NotSent => Self::Unreachable(error.into()),
            StripeError::Refused(refusal) => match refusal.meaning() {
                Meaning::KeyReused => Self::KeyReused,
                Meaning::TurnedAway => Self::Unreachable(error.into()),
                Meaning::Mistake => Self::Rejected(error.into()),
                Meaning::Declined | Meaning::InFlight | Meaning::Unclear => {
                    Self::Unknown(error.into())
                }
            },
            StripeError::Late
            | StripeError::Broken(_)
            | StripeError::Malformed(_)
            | StripeError::Unfinished { .. }
            | StripeError::TooMany { .. } => Self::Unknown(error.into()),
        }
    }
}
