//! The payment port.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{CallKey, Money, Secret, TenantId};

/// Charges payment methods.
///
/// **Retries.** A charge is made once per `key`, however often it is asked for: asking again under
/// the same key returns the first outcome, and finishes a charge that was cut off. A business
/// refusal is `Ok(ChargeOutcome::Declined)`. An `Err` never means "refused": after
/// [`GatewayError::Unknown`] the money may have moved, and only asking again under the same key
/// tells. Never call it inside a database transaction.
#[async_trait]
pub trait PaymentGateway: Send + Sync + 'static {
    /// Takes `request.amount` from `request.payment_method`.
    ///
    /// # Errors
    /// See the port's contract on retries.
    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError>;
}

/// A charge to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    /// The identity of the charge, derived from our own operation.
    pub key: CallKey,
    /// Who pays.
    pub tenant: TenantId,
    /// How much; more than zero.
    pub amount: Money,
    /// The provider's name of the payment method, such as `pm_card_visa`.
    pub payment_method: Secret,
    /// What the statement says; at most 200 characters.
    pub description: String,
    /// How long the provider may take.
    pub allowed: Duration,
}

/// What became of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money was taken.
    Paid(Charge),
    /// The money was not taken, and will not be under this key.
    Declined(DeclineReason),
}

/// A charge at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The provider's id of it.
    pub reference: String,
}

/// Why a charge was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    /// The bank said no, and not why.
    Generic,
    /// There was not enough money.
    InsufficientFunds,
    /// The card has expired.
    ExpiredCard,
    /// The provider does not know the payment method.
    UnknownPaymentMethod,
}

impl DeclineReason {
    /// The stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Generic => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
            Self::UnknownPaymentMethod => "unknown_payment_method",
        }
    }
}

/// Why no outcome is known.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The provider was not reached: no money moved.
    #[error("the payment provider could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The provider did not answer in time, or not clearly: the money may have moved.
    #[error("the payment provider's answer is unknown")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The key was used for another charge.
    #[error("the key belongs to another charge")]
    KeyReused,
}
