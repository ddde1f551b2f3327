//! The table of invoices.

use sea_orm::entity::prelude::*;

use crate::{currency::CurrencyCode, subscriptions::InvoiceStatus};

/// An invoice, issued once it has a number.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoices")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub subscription_id: Uuid,
    pub number: Option<String>,
    pub status: InvoiceStatus,
    pub currency: CurrencyCode,
    /// The sum of the lines, in minor units.
    pub total: i64,
    /// What the lines are for: from here
    pub period_start: TimeDateTimeWithTimeZone,
    /// until just before here.
    pub period_end: TimeDateTimeWithTimeZone,
    pub paid_at: Option<TimeDateTimeWithTimeZone>,
    pub created_at: TimeDateTimeWithTimeZone,
    pub updated_at: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);
