//! Whether a schema is one that this build can work on.

use sea_orm::{DbBackend, DbErr, QueryResult, Statement};
use sea_orm_migration::MigratorTrait;

use super::{
    errors::{has_code, unreachable},
    pool::Pool,
};
use crate::{SchemaStatus, StoreError};

/// What a schema's comment begins with whose data were moved to another database; the rest tells
/// an operator where to.
const MOVED: &str = "moved: ";

const UNDEFINED_TABLE: &str = "42P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Refuses a schema that lacks what this build needs, or whose data are elsewhere. One that a
/// newer build has migrated is taken: migrations are safe under a running older version, which may
/// also be started anew.
pub(super) async fn check<M: MigratorTrait>(
    module: &'static str,
    system: &Pool,
) -> Result<(), StoreError> {
    let ask = async |select: &str| {
        system.read(&Statement::from_string(DbBackend::Postgres, select)).await
    };
    let comment =
        "SELECT obj_description(to_regnamespace(current_schema()), 'pg_namespace') AS comment";
    let comment = ask(comment).await.map_err(|error| unreachable(module, error))?;
    refuse_moved(module, &comment).map_err(|source| StoreError::Database { module, source })??;

    let applied = match ask("SELECT version FROM seaql_migrations ORDER BY version").await {
        Ok(rows) => names(&rows).map_err(|source| StoreError::Database { module, source })?,
        // No such schema or table, or no right to read it: nothing was migrated here.
        Err(error) if has_code(&error, &[UNDEFINED_TABLE, INSUFFICIENT_PRIVILEGE]) => Vec::new(),
        Err(error) => return Err(unreachable(module, error)),
    };
    let status = SchemaStatus::of::<M>(applied);
    if !status.pending.is_empty() {
        return Err(StoreError::Behind { module, pending: status.pending.join(", ") });
    }
    if !status.unknown.is_empty() {
        tracing::warn!(service.name = module, "a newer build has migrated the schema");
    }
    Ok(())
}

/// Refuses a schema with a `comment` that says that its data were moved.
pub(super) fn refuse_moved(
    module: &'static str,
    comment: &[QueryResult],
) -> Result<Result<(), StoreError>, DbErr> {
    let comment = comment.first().map_or(Ok(None), |row| row.try_get("", "comment"))?;
    let comment: Option<String> = comment;
    let notice = comment.as_deref().and_then(|comment| comment.strip_prefix(MOVED));
    Ok(match notice {
        Some(notice) => Err(StoreError::Moved { module, notice: notice.to_owned() }),
        None => Ok(()),
    })
}

/// The names of migrations that were applied.
pub(super) fn names(rows: &[QueryResult]) -> Result<Vec<String>, DbErr> {
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
