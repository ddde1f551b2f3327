//! The outbox, broken on purpose: its rows are written in a transaction of their own, after the one
//! that they tell of. A campaign checks that its ledger sees what comes of that.

use std::sync::{Mutex, PoisonError};

use crate::{Store, StoreError, engine::Sight, tables::outbox, transaction::Transaction, write};

/// The rows that a transaction has not written.
#[derive(Debug)]
pub(crate) struct Apart {
    sight: Sight,
    rows: Mutex<Vec<outbox::ActiveModel>>,
}

impl Apart {
    /// Of a transaction that sees so much.
    pub(crate) const fn of(sight: Sight) -> Self {
        Self { sight, rows: Mutex::new(Vec::new()) }
    }

    /// Keeps `rows` for later where the switch is on, and gives them back where it is not.
    pub(crate) fn keep(&self, rows: Vec<outbox::ActiveModel>) -> Vec<outbox::ActiveModel> {
        if !failpoints::is_on("storage::outbox_apart") {
            return rows;
        }
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
        Vec::new()
    }

    /// What a savepoint has kept is the outer transaction's.
    pub(crate) fn take_over(&self, inner: Self) {
        let kept = inner.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
    }

    /// Writes what was kept, once it is too late.
    pub(crate) async fn write(self, store: &Store) -> Result<(), StoreError> {
        let kept = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            return Ok(());
        }
        failpoints::reach("storage::committed_before_outbox").await;
        let tx = Transaction::begin(store, self.sight).await?;
        write::append(&tx, kept).await?;
        // Not to itself: this is the last that is done.
        Box::pin(tx.commit()).await
    }
}
