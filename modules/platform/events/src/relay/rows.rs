//! The outbox table, as the relay works on it.

use std::collections::BTreeSet;

use kernel::Timestamp;
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query},
};
use seam::resilience::Backoff;
use storage::{
    Store, StoreError,
    tables::outbox::{Column, Entity, Model},
};

use super::health::wait;
use crate::scopes::{OPERATOR, RELAY};

/// The destinations that have rows to be sent now, apart from those `in_hand`, each with the first of
/// its rows.
pub(super) async fn due_destinations(
    store: &Store,
    in_hand: &BTreeSet<String>,
    now: Timestamp,
    backoff: Backoff,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut found = Vec::new();
    // From one destination to the next by the index, however many rows each has; what is in hand is
    // stepped over, and not read at all.
    let mut in_hand = in_hand.iter();
    let (mut after, mut before) = (None::<String>, in_hand.next());
    loop {
        let mut query = store
            .system(&RELAY)
            .find::<Entity>()
            .filter(Column::SentAt.is_null())
            .filter(is_due(now, backoff));
        if let Some(after) = &after {
            query = query.filter(Column::Destination.gt(after.as_str()));
        }
        if let Some(before) = before {
            query = query.filter(Column::Destination.lt(before.as_str()));
        }
        let first = query.order_by_asc(Column::Destination).order_by_asc(Column::Seq);
        let row = first.limit(1).one().await?;
        match (row, before) {
            (Some(row), _) => {
                after = Some(row.destination.clone());
                found.push((row.destination, row.seq));
            }
            (None, Some(name)) => (after, before) = (Some(name.clone()), in_hand.next()),
            (None, None) => return Ok(found),
        }
    }
}

/// What may be due.
pub(super) struct Due<'a> {
    pub(super) destination: &'a str,
    /// No row before it is unsent.
    pub(super) from: i64,
    /// Lanes that other relays send.
    pub(super) others: &'a [i32],
}

/// What is to be sent now, in the order of writing: unsent, never tried or due again, and not
/// behind an earlier row of its key that waits for its next attempt.
pub(super) async fn due(
    store: &Store,
    Due { destination, from, others }: Due<'_>,
    now: Timestamp,
    backoff: Backoff,
    limit: u64,
) -> Result<Vec<Model>, StoreError> {
    let mut query = store
        .system(&RELAY)
        .find::<Entity>()
        .filter(unsent_for(destination))
        .filter(Column::Seq.gte(from))
        .filter(is_due(now, backoff));
    // Only the first row of a key is ever tried in vain, so that nothing before it waits.
    let waiting = Query::select()
        .column(Column::OrderingKey)
        .from(Entity)
        .cond_where(unsent_for(destination))
        // Not bound: a plan for any value could not use the index of what is held back.
        .and_where(Expr::col(Column::Attempts).gt(Expr::cust("0")))
        .cond_where(is_due(now, backoff).not())
        .take();
    query = query.filter(Column::OrderingKey.not_in_subquery(waiting));
    if !others.is_empty() {
        query = query.filter(Column::Lane.is_not_in(others.iter().copied()));
    }
    query.order_by_asc(Column::Seq).limit(limit).all().await
}

/// The number of the first row that is still to be sent to `destination`, due or not, where none
/// before `from` is.
pub(super) async fn first_unsent(
    store: &Store,
    destination: &str,
    from: i64,
) -> Result<Option<i64>, StoreError> {
    let unsent = store.system(&RELAY).find::<Entity>().filter(unsent_for(destination));
    let first = unsent.filter(Column::Seq.gte(from)).order_by_asc(Column::Seq).limit(1).one();
    Ok(first.await?.map(|row| row.seq))
}

/// Notes that rows were taken, and forgets what was in them: a sealed secret must not outlive the
/// delivery here. The rows themselves stay for a while, for whoever asks what was sent when.
pub(super) async fn mark_sent(
    store: &Store,
    rows: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    // A database keeps a plan for each number of values: a few sizes do, and the last number is
    // repeated up to the next of them.
    let padding =
        std::iter::repeat_n(rows[rows.len() - 1], rows.len().next_power_of_two() - rows.len());
    let tx = store.system_write(&RELAY).await?;
    tx.update_many::<Entity>()
        .set(Column::SentAt, now.to_offset_date_time())
        .set(Column::Envelope, serde_json::Value::Null)
        .filter(Column::Seq.is_in(rows.iter().copied().chain(padding)))
        .filter(Column::SentAt.is_null())
        .exec()
        .await?;
    tx.commit().await
}

/// Notes that rows were sent in vain; each waits longer than the last time.
pub(super) async fn hold_back(
    store: &Store,
    rows: &[&Model],
    error: &str,
    backoff: Backoff,
) -> Result<(), StoreError> {
    let now = store.clock().now();
    let tx = store.system_write(&RELAY).await?;
    for row in rows {
        let attempts = row.attempts.saturating_add(1);
        let next = now + wait(backoff, attempts.unsigned_abs());
        tx.update_many::<Entity>()
            .set(Column::Attempts, attempts)
            .set(Column::NextAttemptAt, next.to_offset_date_time())
            .set(Column::LastError, error)
            .filter(Column::Seq.eq(row.seq))
            // Another relay may have brought it there.
            .filter(Column::SentAt.is_null())
            .exec()
            .await?;
    }
    tx.commit().await
}

/// How many rows wait for each destination, and since when the first one does.
pub(crate) async fn backlog(store: &Store) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
    let reader = store.system(&OPERATOR);
    let mut found: Vec<(String, u64, Timestamp)> = Vec::new();
    loop {
        let mut query = reader.find::<Entity>().filter(Column::SentAt.is_null());
        if let Some((last, ..)) = found.last() {
            query = query.filter(Column::Destination.gt(last.as_str()));
        }
        let first = query
            .order_by_asc(Column::Destination)
            .order_by_asc(Column::Seq)
            .limit(1)
            .one()
            .await?;
        let Some(first) = first else { return Ok(found) };
        let waiting = reader.find::<Entity>().filter(unsent_for(&first.destination)).count();
        let waiting = waiting.await?;
        found.push((first.destination, waiting, first.created_at.into()));
    }
}

/// A row that was never tried is due whatever the clock says: the one who wrote it may have had
/// another clock. So is one that is to wait longer than anything waits.
fn is_due(now: Timestamp, backoff: Backoff) -> Condition {
    Condition::any()
        .add(Column::Attempts.eq(0))
        .add(Column::NextAttemptAt.lte(now.to_offset_date_time()))
        .add(Column::NextAttemptAt.gt((now + backoff.cap * 2).to_offset_date_time()))
}

fn unsent_for(destination: &str) -> Condition {
    Condition::all().add(Column::SentAt.is_null()).add(Column::Destination.eq(destination))
}
