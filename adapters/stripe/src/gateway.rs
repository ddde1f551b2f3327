//! The port.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use billing_api::{
    ChargeOutcome, ChargeRequest, Customer, CustomerRequest, GatewayError, PaymentGateway,
    RefundOutcome, RefundRequest,
};
use kernel::{Clock, Timestamp};
use tokio::runtime::Handle;

use crate::{PROVIDER, StripeConfig, api::Api};

/// Stripe keeps a key for at least 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>). An hour less, since the two clocks may
/// differ, and since time passes between the look at ours and Stripe's look at its own.
const KEYS_KEPT: Duration = Duration::from_secs(23 * 3_600);

/// How much earlier than ours Stripe's clock may have been when it stamped what it made for us.
const CLOCKS_DIFFER: Duration = Duration::from_secs(3_600);

/// Takes payments by Stripe.
pub struct StripeGateway {
    pub(crate) api: Api,
    clock: Arc<dyn Clock>,
}

impl StripeGateway {
    /// Nothing is sent before somebody asks for something, so that Stripe need not be up.
    ///
    /// # Panics
    /// Outside of a runtime. It is to be called on the program's main one: requests run there,
    /// since a web worker's runtime takes its connections along when it ends.
    #[must_use]
    pub fn new(config: StripeConfig, client: reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        Self { api: Api::new(config, client, Handle::current()), clock }
    }

    /// Whether Stripe may no longer know the key of what was begun at `begun_at`: sent again, it
    /// would be done again.
    pub(crate) fn may_have_forgotten(&self, begun_at: Timestamp) -> bool {
        self.clock.now().since(begun_at) >= KEYS_KEPT
    }

    /// The `created[gte]` of what was begun at `begun_at`.
    pub(crate) fn made_since(begun_at: Timestamp) -> String {
        (begun_at - CLOCKS_DIFFER).unix_seconds().to_string()
    }
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        self.make_customer(request).await
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        self.make_charge(request).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        self.make_refund(request).await
    }
}
