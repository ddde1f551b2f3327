//! Deletes what has had its time, a little at a time.

use kernel::Timestamp;
use sea_orm::{ColumnTrait, sea_query::Query};
use storage::{
    DeclaredEntity, Store, StoreError,
    tables::{call_records, idempotency_keys, inbox, outbox},
};

use crate::{Retention, scopes::SWEEPER};

/// About how many rows go in one transaction: on the embedded engine nobody else writes meanwhile.
const AT_ONCE: u64 = 500;

/// Deletes everything that is older than it is kept, and says how many rows that were.
pub(crate) async fn sweep(store: &Store, retention: &Retention) -> Result<u64, StoreError> {
    let now = store.clock().now();
    let outbox = Aged::<outbox::Entity> {
        age: outbox::Column::SentAt,
        name: outbox::Column::Seq,
        before: now - retention.outbox,
    };
    // What is pending or dead has no such time.
    let inbox = Aged::<inbox::Entity> {
        age: inbox::Column::DoneAt,
        name: inbox::Column::EventId,
        before: now - retention.inbox,
    };
    let calls = Aged::<call_records::Entity> {
        age: call_records::Column::CreatedAt,
        name: call_records::Column::Key,
        before: now - retention.call_records,
    };
    let keys = Aged::<idempotency_keys::Entity> {
        age: idempotency_keys::Column::ExpiresAt,
        name: idempotency_keys::Column::Key,
        before: now,
    };
    Ok(outbox.delete(store).await?
        + inbox.delete(store).await?
        + calls.delete(store).await?
        + keys.delete(store).await?)
}

/// The rows of a table whose `age` is before a moment.
struct Aged<E: DeclaredEntity> {
    age: E::Column,
    /// Tells rows apart; a few may share it.
    name: E::Column,
    before: Timestamp,
}

impl<E: DeclaredEntity> Aged<E> {
    async fn delete(&self, store: &Store) -> Result<u64, StoreError> {
        let before = self.before.to_offset_date_time();
        let mut deleted = 0;
        loop {
            let some = Query::select()
                .column(self.name)
                .from(E::default())
                .and_where(self.age.lt(before))
                .limit(AT_ONCE)
                .take();
            let tx = store.system_write(&SWEEPER).await?;
            let gone = tx
                .delete_many::<E>()
                .filter(self.name.in_subquery(some))
                .filter(self.age.lt(before))
                .exec()
                .await?;
            tx.commit().await?;
            deleted += gone;
            if gone < AT_ONCE {
                return Ok(deleted);
            }
        }
    }
}
