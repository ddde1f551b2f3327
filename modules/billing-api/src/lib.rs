//! The contract of the billing module: what a tenant may use, seats and usage, the facts it
//! publishes, and the payment port that it asks of the outside world.

mod events;
mod payments;
#[cfg(feature = "testing")]
pub mod testing;
mod webhooks;

use std::collections::BTreeMap;

use kernel::{CallContext, TenantId, Timestamp};
use seam::{CallFailure, ModuleDescriptor, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use events::{InvoicePaid, PaymentFailed, SubscriptionStarted};
pub use payments::{
    Charge, ChargeOutcome, ChargeRequest, Customer, CustomerRequest, DeclineReason, GatewayError,
    PaymentGateway, Refund, RefundOutcome, RefundRefusal, RefundRequest,
};
pub use webhooks::{
    ChargeChange, ChargeNews, ProviderWebhooks, VerifiedEvent, WebhookDelivery, WebhookRefusal,
};

/// The module, as programs and callers know it without linking it.
pub const MODULE: ModuleDescriptor = ModuleDescriptor {
    name: "billing",
    public_prefixes: &["/v1/billing", "/webhooks/stripe"],
    consumes: &["auth.tenant_created"],
};

/// What other modules ask of billing.
#[port(service = "billing", version = 1, mock)]
pub trait BillingApi {
    /// What the calling tenant may use now.
    #[call(read)]
    async fn entitlements(&self, ctx: &CallContext) -> Result<Entitlements, BillingError>;

    /// Takes a seat for `holder`, who keeps it until it is released. A holder that has a seat
    /// already keeps that one.
    #[call(write)]
    async fn reserve_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<Seat, BillingError>;

    /// Gives `holder`'s seat back; a holder without a seat is no error.
    #[call(write)]
    async fn release_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<(), BillingError>;

    /// Counts usage once per tenant and `event.id`, however often it is sent: at most 1,000 events
    /// at a time.
    #[call(write)]
    async fn record_usage(
        &self,
        ctx: &CallContext,
        batch: UsageBatch,
    ) -> Result<UsageReceipt, BillingError>;
}

/// What a tenant may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entitlements {
    /// The tenant.
    pub tenant: TenantId,
    /// The plan that is in force; the free plan where there is no subscription.
    pub plan: String,
    /// The features of that plan.
    pub features: Vec<String>,
    /// Seats.
    pub seats: SeatUsage,
    /// What each meter includes per period; a meter that is not listed is not included.
    pub meters: BTreeMap<String, MeterAllowance>,
}

/// Seats taken and to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatUsage {
    /// Taken, the owner's included.
    pub used: u32,
    /// How many there are in all.
    pub limit: u32,
}

/// What a plan includes of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeterAllowance {
    /// Units per billing period.
    pub included: u64,
}

/// Whose seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatRequest {
    /// Names who holds the seat within the tenant, such as `invitation:0190…`; 1 to 100 characters.
    pub holder: String,
}

/// A seat that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Seat {
    /// Who holds it.
    pub holder: String,
    /// How many seats are taken now.
    pub usage: SeatUsage,
}

/// Usage to be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageBatch {
    /// 1 to 1,000 events.
    pub events: Vec<UsageEvent>,
}

/// Something that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageEvent {
    /// Chosen by the sender; counted once per tenant. 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub id: String,
    /// A meter of the price list, such as `api_calls`.
    pub meter: String,
    /// Units, 1 to 1,000,000,000.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: u64,
    /// When it was used; the period it counts in is the one this falls into.
    pub at: Timestamp,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageReceipt {
    /// Events that were counted now.
    pub counted: u32,
    /// Events whose id had been counted before.
    pub repeated: u32,
}

/// What billing refuses.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error, PortError,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BillingError {
    /// The caller may not do this, or acts for no tenant.
    #[error("the caller may not do this")]
    Forbidden,
    /// Every seat is taken.
    #[error("all {limit} seats are taken")]
    NoFreeSeat {
        /// How many seats there are.
        limit: u32,
    },
    /// The price list has no such meter.
    #[error("there is no meter `{meter}`")]
    UnknownMeter {
        /// What was asked for.
        meter: String,
    },
    /// A value is out of its bounds.
    #[error("{detail}")]
    Invalid {
        /// Which, and what its bounds are.
        detail: String,
    },
    /// No answer from the domain.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}
