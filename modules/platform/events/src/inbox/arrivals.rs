//! New rows of the inbox.

use std::time::Duration;

use kernel::{CallContext, Envelope, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use storage::{
    InTenant, StoreError, SystemTx,
    tables::{
        inbox::{ActiveModel, Column, Entity, State},
        scheduled,
    },
};

use super::attempt::Passed;
use crate::{
    Consumer, HandlerError,
    history::{self, Entry as Line, Happening},
    metrics::{self, Outcome},
};

/// A new row for an envelope that came at `now`: done in the transaction that inserts it.
pub(super) fn done(consumer: &Consumer, envelope: &Envelope, now: Timestamp) -> ActiveModel {
    ActiveModel {
        event_id: Set(envelope.id.0),
        consumer: Set(consumer.name.to_owned()),
        tenant_id: Set(envelope.tenant.map(|tenant| tenant.0)),
        state: Set(State::Done),
        ordering_key: Set(envelope.aggregate.ordering_key()),
        envelope: Set(None),
        attempts: Set(1),
        next_attempt_at: Set(now.into()),
        history: Set(serde_json::Value::Array(Vec::new())),
        received_at: Set(now.into()),
        done_at: Set(Some(now.into())),
    }
}

/// A new row that is to be handled, at once unless `ahead` is still to be.
pub(super) fn waiting(
    consumer: &Consumer,
    envelope: &Envelope,
    now: Timestamp,
    ahead: Option<Timestamp>,
) -> ActiveModel {
    // Rows of a key are handled in the order of their arrival: strictly after the one before,
    // whatever the clock says.
    let received = ahead.map_or(now, |ahead| now.max(ahead + Duration::from_micros(1)));
    ActiveModel {
        state: Set(State::Pending),
        // An envelope was read from JSON, so that it has a JSON form.
        envelope: Set(Some(serde_json::to_value(envelope).unwrap_or_default())),
        attempts: Set(0),
        received_at: Set(received.into()),
        done_at: Set(None),
        ..done(consumer, envelope, now)
    }
}

/// A new row whose first attempt failed, or was never made.
pub(super) fn failed(
    consumer: &Consumer,
    envelope: &Envelope,
    attempts: u32,
    passed: &Passed,
    error: &HandlerError,
) -> ActiveModel {
    let entry = passed.entry(attempts, error);
    let nothing = serde_json::Value::Array(Vec::new());
    let (state, next) = passed.outcome();
    ActiveModel {
        state: Set(state),
        attempts: Set(stored(attempts)),
        next_attempt_at: Set(next.into()),
        history: Set(history::with_entry(&nothing, entry)),
        ..waiting(consumer, envelope, passed.at, None)
    }
}

/// Parks a scheduled event that cannot be read, as it is: a newer build may know it, and an
/// operator can see it.
pub(crate) async fn park_unreadable(
    tx: &SystemTx,
    row: &scheduled::Model,
    error: &serde_json::Error,
) -> Result<(), StoreError> {
    let now = tx.store().clock().now();
    let what = Happening::Parked { attempt: 0, error: history::describe(error) };
    let nothing = serde_json::Value::Array(Vec::new());
    let parked = ActiveModel {
        event_id: Set(row.id),
        consumer: Set(Consumer::unrouted().name.to_owned()),
        tenant_id: Set(row.tenant_id),
        state: Set(State::Dead),
        ordering_key: Set(format!("scheduled:{}", row.id)),
        envelope: Set(Some(row.envelope.clone())),
        attempts: Set(0),
        next_attempt_at: Set(now.into()),
        history: Set(history::with_entry(&nothing, Line { at: now, what })),
        received_at: Set(now.into()),
        done_at: Set(None),
    };
    if claim(tx, parked).await? {
        metrics::delivered(&Consumer::unrouted(), Outcome::Parked);
    }
    Ok(())
}

/// Inserts a row; `false` where the event was taken before, in whichever state it is now.
pub(super) async fn claim(tx: &SystemTx, row: ActiveModel) -> Result<bool, StoreError> {
    let inserted = tx.insert_new(vec![row], &[Column::EventId, Column::Consumer]).await?;
    // A campaign checks that its ledger sees what comes of an inbox that forgets.
    #[cfg(feature = "failpoints")]
    if failpoints::is_on("events::inbox_forgets") {
        return Ok(true);
    }
    Ok(inserted > 0)
}

/// As [`claim`], and goes on as the tenant; nothing is done either where something of the same
/// consumer and key still waits.
pub(super) async fn claim_as_next(
    tx: SystemTx,
    ctx: &CallContext,
    consumer: &Consumer,
    row: ActiveModel,
) -> Result<InTenant, StoreError> {
    let ahead = pending_of(consumer.name, row.ordering_key.as_ref());
    let claimed =
        tx.insert_into_tenant(ctx, row, &[Column::EventId, Column::Consumer], ahead).await?;
    #[cfg(feature = "failpoints")]
    let claimed = match claimed {
        InTenant::Not(tx) if failpoints::is_on("events::inbox_forgets") => {
            InTenant::Inserted(tx.into_tenant(ctx).await?)
        }
        claimed => claimed,
    };
    Ok(claimed)
}

/// When the last event of the same consumer and key that still waits came, if one does.
pub(super) async fn last_waiting(
    tx: &SystemTx,
    consumer: &Consumer,
    envelope: &Envelope,
) -> Result<Option<Timestamp>, StoreError> {
    let last = tx
        .find::<Entity>()
        .filter(pending_of(consumer.name, &envelope.aggregate.ordering_key()))
        .order_by_desc(Column::ReceivedAt)
        .limit(1)
        .one()
        .await?;
    Ok(last.map(|row| row.received_at.into()))
}

/// What is in `state`, any but done. That it is not done is said as well: the indexes of what is
/// open hold nothing else.
pub(crate) fn open(state: State) -> Condition {
    Condition::all().add(Column::State.eq(state)).add(Column::DoneAt.is_null())
}

/// What waits under a key.
pub(super) fn pending_of(consumer: &str, key: &str) -> Condition {
    open(State::Pending).add(Column::Consumer.eq(consumer)).add(Column::OrderingKey.eq(key))
}

/// The table counts in signed numbers.
pub(super) fn stored(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}
