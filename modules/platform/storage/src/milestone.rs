//! Which transactions have ended.

use sea_orm::{DbBackend, Statement};

use crate::{Store, StoreError, engine::Sight};

/// A place in the order in which transactions begin to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone(u64);

impl Store {
    /// One behind all transactions that have written anything so far.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn milestone(&self) -> Result<Milestone, StoreError> {
        // The snapshot's own end would not do: it is behind those alone that have ended. This
        // one's number is behind all, and gone with it at once; as it writes nothing, nothing
        // waits for the disk.
        self.number("SELECT pg_current_xact_id()::text::bigint").await.map(Milestone)
    }

    /// Whether all transactions before `milestone` have ended, in all databases of the server: what
    /// they wrote can be read, or never will be. One that only reads keeps nothing back.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn has_passed(&self, milestone: Milestone) -> Result<bool, StoreError> {
        let oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        Ok(self.number(oldest).await? >= milestone.0)
    }

    /// On the embedded engine whoever writes does so alone, and what can be read has ended: all
    /// are the same there.
    async fn number(&self, select: &str) -> Result<u64, StoreError> {
        if self.database().backend() == DbBackend::Sqlite {
            return Ok(0);
        }
        let statement = Statement::from_string(DbBackend::Postgres, select);
        let rows = self.database().read(Sight::System, statement).await;
        let number = rows.and_then(|rows| match &*rows {
            [row] => row.try_get_by_index::<i64>(0),
            _ => Err(sea_orm::DbErr::RecordNotFound(select.to_owned())),
        });
        number.map(i64::cast_unsigned).map_err(|error| self.explain(error))
    }
}
