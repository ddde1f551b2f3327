//! The table of events that providers have sent.

use sea_orm::entity::prelude::*;

/// An event, by the provider's own id of it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: String,
    /// The provider's name of what happened.
    pub kind: String,
    pub state: State,
    /// Whose charge it is about; missing where it is about none of ours.
    pub tenant_id: Option<Uuid>,
    pub charge_id: Option<Uuid>,
    /// By the provider's clock.
    pub occurred_at: TimeDateTimeWithTimeZone,
    pub received_at: TimeDateTimeWithTimeZone,
    pub processed_at: Option<TimeDateTimeWithTimeZone>,
}

/// What has become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))", rename_all = "snake_case")]
pub(crate) enum State {
    /// It is to be acted upon. One that stays so is among the dead letters.
    Received,
    /// What it is about is settled.
    Processed,
    /// It is about nothing of ours.
    Ignored,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::global_entity!(Entity);
