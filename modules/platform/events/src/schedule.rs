//! Work for later, when it is due.

use sea_orm::ColumnTrait;
use storage::{
    Store, StoreError,
    tables::scheduled::{Column, Entity},
};

use crate::scopes::SCHEDULER;

/// How many events are promoted in one transaction.
const AT_ONCE: u64 = 100;

/// Moves what is due into the outbox, for this module itself, and says how much that was.
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
        let moved = tx.promote_due(AT_ONCE, now).await?;
        tx.commit().await?;
        promoted += moved;
        // Another replica was quicker.
        if moved == 0 {
            return Ok(promoted);
        }
    }
}
