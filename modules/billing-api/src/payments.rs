//! The payment port.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use kernel::{CallKey, Money, Secret, TenantId, Timestamp};

/// Charges payment methods, and gives money back.
///
/// **Retries.** What is asked for under a key is done once, however often it is asked for and
/// however long ago it was asked for first: asking again under the same key returns the first
/// outcome, and finishes what was cut off. A business refusal is an outcome
/// ([`ChargeOutcome::Declined`], [`RefundOutcome::Refused`]). An `Err` never means "refused": see
/// [`GatewayError`] for what each says about the money. Never call it inside a database
/// transaction.
#[async_trait]
pub trait PaymentGateway: Send + Sync + 'static {
    /// What the provider is called in what is stored about it, such as `sandbox`; at most 32
    /// characters, and never changed.
    fn provider(&self) -> &'static str;

    /// Makes a customer of a tenant. The caller remembers it: another key is another customer.
    ///
    /// # Errors
    /// As the port says. No money moves by this.
    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError>;

    /// Takes `request.amount` from `request.payment_method`.
    ///
    /// # Errors
    /// As the port says.
    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError>;

    /// Gives `request.amount` of a charge back.
    ///
    /// # Errors
    /// As the port says.
    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError>;
}

/// A customer to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerRequest {
    /// The identity of the request, derived from our own operation.
    pub key: CallKey,
    /// Who it is.
    pub tenant: TenantId,
    /// How long the provider may take.
    pub allowed: Duration,
}

/// Who pays, as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The provider's id of it; at most 255 characters.
    pub reference: String,
}

/// A charge to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    /// The identity of the charge, derived from our own operation.
    pub key: CallKey,
    /// Who pays.
    pub tenant: TenantId,
    /// Who pays, as the provider knows them. Missing in charges from before tenants became
    /// customers; the same at every time of asking.
    pub customer: Option<Customer>,
    /// How much; more than zero.
    pub amount: Money,
    /// The provider's name of the payment method, such as `pm_card_visa`.
    pub payment_method: Secret,
    /// What the statement says; at most 200 characters.
    pub description: String,
    /// When the charge came to be meant, before it was asked for first: a provider may have
    /// forgotten an old key, and is then asked whether it knows the charge.
    pub begun_at: Timestamp,
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
    /// The provider's id of it; at most 255 characters.
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
    /// The bank wants to hear from the owner of the card first.
    AuthenticationRequired,
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
            Self::AuthenticationRequired => "authentication_required",
        }
    }
}

/// Money to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// The identity of the refund, derived from our own operation.
    pub key: CallKey,
    /// The charge that it is taken from: [`Charge::reference`].
    pub charge: String,
    /// How much, more than zero, in the currency of the charge.
    pub amount: Money,
    /// When the refund came to be meant; see [`ChargeRequest::begun_at`].
    pub begun_at: Timestamp,
    /// How long the provider may take.
    pub allowed: Duration,
}

/// What became of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The provider has taken it over. The bank may take days.
    Refunded(Refund),
    /// No money goes back, and none will under this key.
    Refused(RefundRefusal),
}

/// A refund at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The provider's id of it; at most 255 characters.
    pub reference: String,
}

/// Why money was not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRefusal {
    /// The provider knows no such charge, or no money was taken by it.
    UnknownCharge,
    /// Less is left of the charge than was asked for, or nothing.
    MoreThanLeft,
    /// The bank or the provider does not do it.
    Failed,
}

/// Why no outcome is known.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The provider was not reached, or turned the request away at the door (too many requests,
    /// credentials that it does not accept). By this time of asking no money moved; ask again
    /// later.
    #[error("the payment provider does not take requests")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The provider takes the request for a mistake. By this time of asking no money moved, and
    /// asking again changes nothing before somebody has looked at it.
    #[error("the payment provider does not accept the request")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
    /// The provider did not answer in time, or not clearly: the money may have moved. Ask again
    /// under the same key.
    #[error("the payment provider's answer is unknown")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
    /// The key was used for something else, which stands.
    #[error("the key belongs to another request")]
    KeyReused,
}
