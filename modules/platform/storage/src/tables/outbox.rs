//! Facts on their way to other modules: a row for each fact and destination.

use kernel::Envelope;
use sea_orm::entity::prelude::*;

/// One fact for one destination.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// Ascends in the order of writing.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// The envelope's id.
    pub event_id: Uuid,
    /// The module that is to hear of it.
    pub destination: String,
    /// [`lane_of`](crate::lane_of) its ordering key.
    pub lane: i32,
    /// What it is ordered by, within its destination.
    pub ordering_key: String,
    /// The envelope's tenant.
    pub tenant_id: Option<Uuid>,
    /// The [`Envelope`]; null once it was sent.
    #[sea_orm(column_type = "JsonBinary")]
    pub envelope: Json,
    /// How often it was sent in vain.
    pub attempts: i32,
    /// When it may be sent (again).
    pub next_attempt_at: TimeDateTimeWithTimeZone,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When its destination took it.
    pub sent_at: Option<TimeDateTimeWithTimeZone>,
}

impl Model {
    /// Reads the envelope.
    ///
    /// # Errors
    /// It has not the shape that this build knows.
    pub fn envelope(&self) -> Result<Envelope, serde_json::Error> {
        serde::Deserialize::deserialize(&self.envelope)
    }
}

/// None: the envelope says it all.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::global_entity!(Entity);
