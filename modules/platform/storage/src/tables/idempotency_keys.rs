//! The idempotency keys of the public API.

use sea_orm::entity::prelude::*;

/// One request that a client may repeat.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// The calling tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The route, such as `POST /v1/billing/subscriptions`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub route: String,
    /// The client's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Tells one body from another.
    pub body_hash: String,
    /// How far it is.
    pub state: State,
    /// The HTTP status of the response, once it is done.
    pub status: Option<i32>,
    /// The response, once it is done.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub response: Option<Json>,
    /// When the first request came.
    pub claimed_at: TimeDateTimeWithTimeZone,
    /// Until when the one who claimed it is thought to be at work.
    pub lease_until: TimeDateTimeWithTimeZone,
    /// When the key is free again.
    pub expires_at: TimeDateTimeWithTimeZone,
}

/// How far a request is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
pub enum State {
    /// Somebody is at work, or was and is gone.
    #[sea_orm(string_value = "in_flight")]
    InFlight,
    /// The response is there.
    #[sea_orm(string_value = "done")]
    Done,
}

/// The table refers to no other.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::tenant_entity!(Entity, Column::TenantId);
