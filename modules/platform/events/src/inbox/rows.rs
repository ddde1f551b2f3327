//! The rows of the inbox that wait, as the retries and an operator work on them.

use kernel::Timestamp;
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query},
};
use storage::{
    Store, StoreError, SystemTx,
    tables::inbox::{Column, Entity, Model, State},
};

use super::{
    arrivals::{open, pending_of, stored},
    attempt::Passed,
};
use crate::{
    HandlerError,
    history::{self, Entry, Happening},
    scopes::{INBOX, OPERATOR},
};

/// An event that waits to be handled.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(super) event_id: uuid::Uuid,
    pub(super) consumer: String,
    pub(super) ordering_key: String,
    pub(super) attempts: u32,
    pub(super) envelope: serde_json::Value,
    next_attempt_at: Timestamp,
    history: serde_json::Value,
}

impl Waiting {
    /// What it is ordered by.
    pub(crate) fn key(&self) -> &str {
        &self.ordering_key
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_attempt_at <= now
    }

    /// The row after [`count_attempt`].
    pub(super) fn counted(self) -> Self {
        Self { attempts: self.attempts + 1, ..self }
    }

    /// The row, so long as nobody has made an attempt since it was read.
    fn unchanged(&self) -> Condition {
        Condition::all()
            .add(Column::EventId.eq(self.event_id))
            .add(Column::Consumer.eq(self.consumer.as_str()))
            .add(Column::State.eq(State::Pending))
            .add(Column::Attempts.eq(stored(self.attempts)))
    }
}

impl From<Model> for Waiting {
    fn from(row: Model) -> Self {
        Self {
            event_id: row.event_id,
            consumer: row.consumer,
            ordering_key: row.ordering_key,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            envelope: row.envelope.unwrap_or_default(),
            next_attempt_at: row.next_attempt_at.into(),
            history: row.history,
        }
    }
}

/// The first event of the same consumer and key that waits.
pub(super) async fn first_waiting(
    store: &Store,
    consumer: &str,
    key: &str,
) -> Result<Option<Waiting>, StoreError> {
    let first = store
        .system(&INBOX)
        .find::<Entity>()
        .filter(pending_of(consumer, key))
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::EventId)
        .limit(1)
        .one()
        .await?;
    Ok(first.map(Waiting::from))
}

pub(super) async fn has_due(
    store: &Store,
    consumers: impl Iterator<Item = &'static str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    store
        .system(&INBOX)
        .find::<Entity>()
        .filter(open(State::Pending))
        .filter(Column::NextAttemptAt.lte(now.to_offset_date_time()))
        .filter(Column::Consumer.is_in(consumers))
        .exists()
        .await
}

/// The events of `consumer` that are the first of their keys to wait, and due; those due longest
/// come first.
pub(super) async fn due_heads(
    store: &Store,
    consumer: &str,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Waiting>, StoreError> {
    let heads = store
        .system(&INBOX)
        .find::<Entity>()
        .filter(open(State::Pending))
        .filter(Column::NextAttemptAt.lte(now.to_offset_date_time()))
        .filter(Column::Consumer.eq(consumer))
        .filter(Expr::not_exists(earlier_of_its_key()))
        .order_by_asc(Column::NextAttemptAt)
        .limit(limit)
        .all()
        .await?;
    Ok(heads.into_iter().map(Waiting::from).collect())
}

/// Marks a row as done and erases the envelope; `false` where it has changed since it was read.
pub(super) async fn finish(
    tx: &SystemTx,
    row: &Waiting,
    attempts: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .update_many::<Entity>()
        .set(Column::State, State::Done)
        .set(Column::Attempts, stored(attempts))
        .set(Column::Envelope, Expr::null())
        .set(Column::DoneAt, now.to_offset_date_time())
        .filter(row.unchanged())
        .exec()
        .await?;
    Ok(changed > 0)
}

/// Counts an attempt that is about to be made, and keeps others away until `until`.
pub(super) async fn count_attempt(
    tx: &SystemTx,
    row: &Waiting,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .update_many::<Entity>()
        .set(Column::Attempts, stored(row.attempts + 1))
        .set(Column::NextAttemptAt, until.to_offset_date_time())
        .filter(row.unchanged())
        .exec()
        .await?;
    Ok(changed > 0)
}

/// Moves the next attempt.
pub(super) async fn postpone(
    store: &Store,
    row: &Waiting,
    until: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.system_write(&INBOX).await?;
    tx.update_many::<Entity>()
        .set(Column::NextAttemptAt, until.to_offset_date_time())
        .filter(row.unchanged())
        .exec()
        .await?;
    tx.commit().await
}

/// Makes due `now` what is due `until` then. A claim cannot be told from a wait between two attempts;
/// that one of these is a little shorter does no harm.
pub(super) async fn make_due(
    store: &Store,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.system_write(&INBOX).await?;
    tx.update_many::<Entity>()
        .set(Column::NextAttemptAt, now.to_offset_date_time())
        .filter(open(State::Pending))
        .filter(Column::NextAttemptAt.gt(now.to_offset_date_time()))
        .filter(Column::NextAttemptAt.lte(until.to_offset_date_time()))
        .exec()
        .await?;
    tx.commit().await
}

/// Notes a failed attempt, unless somebody else has made one since.
pub(super) async fn record_failure(
    store: &Store,
    row: &Waiting,
    attempts: u32,
    passed: &Passed,
    error: &HandlerError,
) -> Result<(), StoreError> {
    let (state, next) = passed.outcome();
    let history = history::with_entry(&row.history, passed.entry(attempts, error));
    let tx = store.system_write(&INBOX).await?;
    tx.update_many::<Entity>()
        .set(Column::State, state)
        .set(Column::Attempts, stored(attempts))
        .set(Column::NextAttemptAt, next.to_offset_date_time())
        .set(Column::History, history)
        .filter(row.unchanged())
        .exec()
        .await?;
    tx.commit().await
}

/// Has a dead letter handled again, from its first attempt on; `false` where it is dead no longer.
pub(crate) async fn replay(store: &Store, row: &Model) -> Result<bool, StoreError> {
    let now = store.clock().now();
    let entry = Entry { at: now, what: Happening::Replayed };
    let tx = store.system_write(&OPERATOR).await?;
    let changed = tx
        .update_many::<Entity>()
        .set(Column::State, State::Pending)
        .set(Column::Attempts, 0)
        .set(Column::NextAttemptAt, now.to_offset_date_time())
        .set(Column::History, history::with_entry(&row.history, entry))
        .filter(Column::EventId.eq(row.event_id))
        .filter(Column::Consumer.eq(row.consumer.as_str()))
        .filter(Column::State.eq(State::Dead))
        .exec()
        .await?;
    tx.commit().await?;
    Ok(changed > 0)
}

/// Rows that wait ahead of the row of the outer query.
fn earlier_of_its_key() -> sea_orm::sea_query::SelectStatement {
    let outer = |column: Column| Expr::col((Entity, column));
    let earlier = |column: Column| Expr::col(("earlier", column));
    Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, "earlier")
        .and_where(earlier(Column::Consumer).eq(outer(Column::Consumer)))
        .and_where(earlier(Column::OrderingKey).eq(outer(Column::OrderingKey)))
        .and_where(earlier(Column::State).eq(State::Pending))
        .and_where(earlier(Column::DoneAt).is_null())
        .cond_where(
            Condition::any().add(earlier(Column::ReceivedAt).lt(outer(Column::ReceivedAt))).add(
                earlier(Column::ReceivedAt)
                    .eq(outer(Column::ReceivedAt))
                    .and(earlier(Column::EventId).lt(outer(Column::EventId))),
            ),
        )
        .take()
}
