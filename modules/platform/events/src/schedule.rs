//! Work for later, when it is due.

use sea_orm::ColumnTrait;
use storage::{
    Promoted, Store, StoreError,
    tables::scheduled::{Column, Entity},
};
use telemetry::errors::unexpected_at;

use crate::{inbox, scopes::SCHEDULER};

/// How many events are promoted in one transaction.
const AT_ONCE: u64 = 100;

/// Moves what is due into the outbox, for this module itself, and says how much that was. What
/// cannot be read becomes a dead letter.
pub(crate) async fn promote_due(store: &Store) -> Result<u64, StoreError> {
    let mut promoted = 0;
    loop {
        let now = store.clock().now();
        // Looked up before a transaction is opened: mostly nothing is due, and a transaction keeps
        // others from writing.
        let due = Column::DueAt.lte(now.to_offset_date_time());
        if !store.system(&SCHEDULER).find::<Entity>().filter(due).exists().await? {
            return Ok(promoted);
        }
        let tx = store.system_write(&SCHEDULER).await?;
        let Promoted { moved, unreadable } = tx.promote_due(AT_ONCE, now).await?;
        for (row, error) in &unreadable {
            let fingerprint = unexpected_at(store.module(), "schedule", error);
            tracing::error!(
                scheduled.id = %row.id,
                error = error as &dyn std::error::Error,
                error.fingerprint = %fingerprint,
                "a scheduled event cannot be read and is parked as a dead letter"
            );
            inbox::park_unreadable(&tx, row, error).await?;
        }
        tx.commit().await?;
        promoted += moved;
        // Another replica was quicker.
        if moved == 0 && unreadable.is_empty() {
            return Ok(promoted);
        }
    }
}
