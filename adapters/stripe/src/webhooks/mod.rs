//! Webhooks: whose they are, and what they tell.

mod event;
mod signature;

use std::sync::Arc;

use billing_api::{ProviderWebhooks, VerifiedEvent, WebhookDelivery, WebhookRefusal};
use kernel::{Clock, Secret};

use crate::PROVIDER;

/// The header that a signature is in.
const HEADER: &str = "stripe-signature";

/// Believes what is signed with one of the endpoint's secrets. While a secret is being replaced
/// Stripe signs with both, the old and the new one; here too there may be several
/// (<https://docs.stripe.com/webhooks#roll-endpoint-secrets>).
pub struct StripeWebhooks {
    secrets: Vec<Secret>,
    clock: Arc<dyn Clock>,
}

/// There is no secret to verify with, or an empty one, which anybody could sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhooks are verified with at least one secret, and with none that is empty")]
pub struct NoSecret;

impl StripeWebhooks {
    /// `secrets` are the endpoint's, `whsec_…`.
    ///
    /// # Errors
    /// There are none, or one is empty.
    pub fn new(secrets: Vec<Secret>, clock: Arc<dyn Clock>) -> Result<Self, NoSecret> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose().trim().is_empty()) {
            return Err(NoSecret);
        }
        Ok(Self { secrets, clock })
    }
}

impl ProviderWebhooks for StripeWebhooks {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn verify(&self, delivery: &WebhookDelivery<'_>) -> Result<VerifiedEvent, WebhookRefusal> {
        let mut headers = delivery.header(HEADER);
        let (Some(header), None) = (headers.next(), headers.next()) else {
            return Err(WebhookRefusal::Unsigned);
        };
        signature::verify(header, delivery.body, &self.secrets, self.clock.now())?;
        event::read(delivery.body).map_err(|error| WebhookRefusal::Malformed(error.into()))
    }
}
