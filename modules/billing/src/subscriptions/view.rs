//! A subscription as clients see it.

use kernel::{Currency, SubscriptionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Status, subscription};
use crate::catalog::Interval;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SubscriptionView {
    /// The subscription.
    pub id: SubscriptionId,
    /// Where it is in its life.
    pub status: Status,
    /// The plan that it brings.
    pub plan: String,
    /// The price that it began with.
    pub price_id: String,
    /// Seats.
    pub quantity: u32,
    /// ISO 4217.
    pub currency: Currency,
    /// Minor units for a seat and interval.
    pub unit_amount: i64,
    /// How often it is paid.
    pub interval: Interval,
    /// The start of what is paid for.
    pub current_period_start: Option<Timestamp>,
    /// The end of what is paid for, exclusive.
    pub current_period_end: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

impl From<&subscription::Model> for SubscriptionView {
    fn from(subscription: &subscription::Model) -> Self {
        Self {
            id: SubscriptionId(subscription.id),
            status: subscription.status,
            plan: subscription.plan_id.clone(),
            price_id: subscription.price_id.clone(),
            quantity: subscription.seats(),
            currency: subscription.currency.0,
            unit_amount: subscription.unit_amount,
            interval: subscription.billing_interval,
            current_period_start: subscription.current_period_start.map(Timestamp::from),
            current_period_end: subscription.current_period_end.map(Timestamp::from),
            created_at: subscription.created_at.into(),
        }
    }
}
