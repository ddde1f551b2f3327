//! Events for later.

use kernel::Envelope;
use sea_orm::entity::prelude::*;

/// One event that waits for its time.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scheduled")]
pub struct Model {
    /// Names the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `tenant/key`, or `-/key` where there is no tenant.
    #[sea_orm(unique)]
    pub dedup_key: String,
    /// The envelope's tenant.
    pub tenant_id: Option<Uuid>,
    /// When it goes into the outbox.
    pub due_at: TimeDateTimeWithTimeZone,
    /// The [`Envelope`]; it occurs at `due_at`.
    #[sea_orm(column_type = "JsonBinary")]
    pub envelope: Json,
    /// When it was scheduled.
    pub created_at: TimeDateTimeWithTimeZone,
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
