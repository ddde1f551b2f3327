//! Facts that came from other modules: a row for each fact and consumer.

use kernel::Envelope;
use sea_orm::entity::prelude::*;

/// One fact for one consumer.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    /// The envelope's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// The consumer's name, which it keeps for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    /// The envelope's tenant.
    pub tenant_id: Option<Uuid>,
    /// How far it is.
    pub state: State,
    /// What it is ordered by, within its consumer.
    pub ordering_key: String,
    /// The [`Envelope`]; erased once it is done.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub envelope: Option<Json>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it may be tried (again).
    pub next_attempt_at: TimeDateTimeWithTimeZone,
    /// What went wrong, and when: an array.
    #[sea_orm(column_type = "JsonBinary")]
    pub history: Json,
    /// When it came.
    pub received_at: TimeDateTimeWithTimeZone,
    /// When its effect was committed.
    pub done_at: Option<TimeDateTimeWithTimeZone>,
}

impl Model {
    /// Reads the envelope, where it is still there.
    ///
    /// # Errors
    /// It has not the shape that this build knows.
    pub fn envelope(&self) -> Result<Option<Envelope>, serde_json::Error> {
        self.envelope.as_ref().map(serde::Deserialize::deserialize).transpose()
    }
}

/// How far a consumer is with a fact.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
pub enum State {
    /// To be tried.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// Its effect is committed.
    #[sea_orm(string_value = "done")]
    Done,
    /// Given up, and kept for an operator.
    #[sea_orm(string_value = "dead")]
    Dead,
}

/// None: the envelope says it all.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::global_entity!(Entity);
