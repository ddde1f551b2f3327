//! The outcomes of writes, by the key of their call.

use sea_orm::entity::prelude::*;

/// One call that happened.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "call_records")]
pub struct Model {
    /// The calling tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// [`CallContext::key`](kernel::CallContext::key).
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The port's method.
    #[sea_orm(primary_key, auto_increment = false)]
    pub method: String,
    /// SHA-256 over the argument as JSON, in hexadecimal.
    pub argument_hash: String,
    /// `{"Ok": …}` or `{"Err": …}`; never null once the call's transaction is committed.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub outcome: Option<Json>,
    /// When the call came.
    pub created_at: TimeDateTimeWithTimeZone,
}

/// The table refers to no other.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::tenant_entity!(Entity, Column::TenantId);
