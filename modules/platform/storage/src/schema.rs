//! Columns that most tables of modules have, for their migrations. What they make is the same on
//! both engines.

use sea_orm_migration::sea_query::{ColumnDef, IntoIden};

/// The primary key `id`, a UUID that the module chooses.
#[must_use]
pub fn id() -> ColumnDef {
    ColumnDef::new("id").uuid().not_null().primary_key().take()
}

/// The column `tenant_id`. Put it first in the table's indexes.
#[must_use]
pub fn tenant_id() -> ColumnDef {
    uuid("tenant_id")
}

/// The columns `created_at` and `updated_at`.
#[must_use]
pub fn timestamps() -> [ColumnDef; 2] {
    [timestamp("created_at"), timestamp("updated_at")]
}

/// A moment, to the microsecond. Let the store write it: a default such as `CURRENT_TIMESTAMP`, or
/// a value bound by a migration, would not compare with the others on the embedded engine.
#[must_use]
pub fn timestamp(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().not_null().take()
}

/// A moment that may be missing.
#[must_use]
pub fn timestamp_null(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().null().take()
}

/// An id.
#[must_use]
pub fn uuid(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// An id that may be missing.
#[must_use]
pub fn uuid_null(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// Text of any length.
#[must_use]
pub fn text(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// Text that may be missing.
#[must_use]
pub fn text_null(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// A 32-bit number.
#[must_use]
pub fn integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

/// A 64-bit number.
#[must_use]
pub fn big_integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// JSON.
#[must_use]
pub fn json(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).json_binary().not_null().take()
}

/// JSON that may be missing.
#[must_use]
pub fn json_null(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).json_binary().null().take()
}
