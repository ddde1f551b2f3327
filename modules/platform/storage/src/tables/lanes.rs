//! Who relays which lane of the outbox. A lane that nobody has leased yet has no row.

use sea_orm::entity::prelude::*;

/// The lease of one lane.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lanes")]
pub struct Model {
    /// From 0 up to [`LANES`](crate::LANES).
    #[sea_orm(primary_key, auto_increment = false)]
    pub lane: i32,
    /// The relay that has it.
    pub leased_by: String,
    /// Until when, unless it is renewed.
    pub leased_until: TimeDateTimeWithTimeZone,
}

/// The table refers to no other.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::global_entity!(Entity);
