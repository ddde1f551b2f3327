//! The facts that billing publishes.

use kernel::{Aggregate, Event, InvoiceId, Money, SubscriptionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant's subscription began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionStarted {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Its plan.
    pub plan: String,
    /// Its seats.
    pub quantity: u32,
}

impl Event for SubscriptionStarted {
    const TYPE: &'static str = "billing.subscription_started";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("subscription", self.subscription, 1)
    }
}

/// An invoice was paid in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoicePaid {
    /// The invoice.
    pub invoice: InvoiceId,
    /// The number printed on it.
    pub number: String,
    /// What was paid.
    pub total: Money,
}

impl Event for InvoicePaid {
    const TYPE: &'static str = "billing.invoice_paid";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invoice", self.invoice, 1)
    }
}

/// A charge was declined, and nothing was subscribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentFailed {
    /// The subscription that did not begin.
    pub subscription: SubscriptionId,
    /// What was to be paid.
    pub amount: Money,
}

impl Event for PaymentFailed {
    const TYPE: &'static str = "billing.payment_failed";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("subscription", self.subscription, 1)
    }
}
