//! The table of seats.

use sea_orm::entity::prelude::*;

/// A seat that is taken.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seats")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Such as `user:0190…` or `invitation:0190…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub holder: String,
    pub created_at: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);
