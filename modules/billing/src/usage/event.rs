//! The table of what was counted.

use sea_orm::entity::prelude::*;

/// An event that was counted. Kept for longer than a repetition is taken, so that none counts.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The sender's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: String,
    pub meter: String,
    /// Units.
    pub quantity: i64,
    pub at: TimeDateTimeWithTimeZone,
    pub created_at: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);
