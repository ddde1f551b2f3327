//! The port for what a payment provider tells of its own accord.

use std::error::Error;

use kernel::{CallKey, TenantId, Timestamp};

/// Tells what a payment provider has sent from what anybody else has.
///
/// It only reads: no I/O, and nothing is remembered. Whether an event came before is for the
/// caller to know, by [`VerifiedEvent::id`]: providers send an event more than once, and events in
/// any order.
pub trait ProviderWebhooks: Send + Sync + 'static {
    /// What the provider is called in what is stored about it; as
    /// [`PaymentGateway::provider`](crate::PaymentGateway::provider).
    fn provider(&self) -> &'static str;

    /// The event, if the provider has sent it, and lately.
    ///
    /// # Errors
    /// Whatever makes it doubtful. Nothing of such a delivery is to be kept.
    fn verify(&self, delivery: &WebhookDelivery<'_>) -> Result<VerifiedEvent, WebhookRefusal>;
}

/// A request that says it comes from a provider.
#[derive(Clone, Copy)]
pub struct WebhookDelivery<'a> {
    /// Its headers, their names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// Its body as it came: signatures are over these bytes.
    pub body: &'a [u8],
}

impl<'a> WebhookDelivery<'a> {
    /// The values of the header `name`, which is in lower case.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Something that a provider told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEvent {
    /// The provider's id of it, the same at every delivery; 1 to 255 characters.
    pub id: String,
    /// The provider's name of what happened, such as `payment_intent.succeeded`; 1 to 255
    /// characters.
    pub kind: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The charge that it is about, where it is about one of ours.
    pub charge: Option<ChargeNews>,
}

/// What a provider told of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeNews {
    /// [`ChargeRequest::key`](crate::ChargeRequest::key).
    pub key: CallKey,
    /// [`ChargeRequest::tenant`](crate::ChargeRequest::tenant).
    pub tenant: TenantId,
    /// What happened to it.
    pub change: ChargeChange,
}

/// What happened to a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeChange {
    /// The money was taken.
    Paid,
    /// An attempt to take it has failed.
    Failed,
    /// It was taken and some of it given back.
    Refunded,
}

/// Why a delivery is not believed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookRefusal {
    /// It is not signed, or not in a way that can be read.
    #[error("the delivery has no signature that can be read")]
    Unsigned,
    /// No signature of it was made with a secret that is ours.
    #[error("no signature fits")]
    WrongSignature,
    /// It was signed too long ago, or for a time to come: somebody may have kept it.
    #[error("it was signed {seconds} seconds away from now")]
    OutOfTime {
        /// How far the clocks are apart.
        seconds: u64,
    },
    /// It is signed and says something that the provider does not say.
    #[error("the signed body is not an event")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
}
