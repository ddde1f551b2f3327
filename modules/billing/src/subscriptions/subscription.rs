//! The table of subscriptions.

use sea_orm::entity::prelude::*;

use super::Status;
use crate::{catalog::Interval, currency::CurrencyCode};

/// A subscription. It keeps what it was bought at, whatever becomes of the price list.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub status: Status,
    pub plan_id: String,
    pub price_id: String,
    pub currency: CurrencyCode,
    /// Minor units for a seat and interval.
    pub unit_amount: i64,
    pub billing_interval: Interval,
    /// Seats.
    pub quantity: i64,
    /// Missing until it is in force.
    pub current_period_start: Option<TimeDateTimeWithTimeZone>,
    pub current_period_end: Option<TimeDateTimeWithTimeZone>,
    /// How often it has changed since it was pending.
    pub version: i64,
    pub created_at: TimeDateTimeWithTimeZone,
    pub updated_at: TimeDateTimeWithTimeZone,
}

impl Model {
    /// How many seats it has.
    pub(crate) fn seats(&self) -> u32 {
        u32::try_from(self.quantity).unwrap_or_default()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);
