//! Facts on their way out: into the outbox now, or into it later.

use std::io;

use kernel::{CallContext, Envelope, Event, EventId, TenantId, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::ColumnTrait;
use tracing::{Instrument, Span, field, field::display};

use crate::{
    DeleteMany, StoreError, lane_of,
    tables::{outbox, scheduled},
    transaction::Transaction,
    write,
};

/// The longest envelope of an event, in bytes of JSON: what the CloudEvents specification 1.0.2,
/// "Size Limits", has every broker and intermediary pass on.
pub const LARGEST_EVENT: usize = 64 * 1024;

/// What became of a request to schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// It waits under its key, and will be told of as this event.
    New(EventId),
    /// Something waits under that key already, which stands.
    AlreadyWaiting,
}

/// Whose fact it is, and what caused it.
pub(crate) struct Origin<'a> {
    pub tenant: Option<TenantId>,
    pub ctx: &'a CallContext,
}

pub(crate) async fn publish<E: Event>(
    tx: &Transaction,
    origin: &Origin<'_>,
    event: &E,
) -> Result<EventId, StoreError> {
    let now = tx.store().clock().now();
    let span = sending::<E>();
    let envelope = seal(tx, origin, &span, now, event)?;
    span.record("messaging.message.id", display(envelope.id));
    let destinations = tx.store().parts().routes.destinations(E::TYPE);
    enqueue(tx, &envelope, &destinations).instrument(span).await?;
    Ok(envelope.id)
}

/// The span of an event on its way out. What consumers make of it is part of it.
fn sending<E: Event>() -> Span {
    tracing::debug_span!(
        "event.publish",
        otel.kind = "producer",
        otel.name = format_args!("publish {}", E::TYPE),
        messaging.system = "ashlar",
        messaging.operation.name = "publish",
        messaging.operation.type = "send",
        messaging.destination.name = E::TYPE,
        messaging.message.id = field::Empty,
    )
}

/// Writes an outbox row for each destination.
pub(crate) async fn enqueue(
    tx: &Transaction,
    envelope: &Envelope,
    destinations: &[String],
) -> Result<(), StoreError> {
    if destinations.is_empty() {
        return Ok(());
    }
    let now = tx.store().clock().now();
    let ordering_key = envelope.aggregate.ordering_key();
    let json = to_json(tx, envelope)?;
    let row = |destination: &String| outbox::ActiveModel {
        seq: NotSet,
        event_id: Set(envelope.id.0),
        destination: Set(destination.clone()),
        lane: Set(lane_of(&ordering_key)),
        ordering_key: Set(ordering_key.clone()),
        tenant_id: Set(envelope.tenant.map(|tenant| tenant.0)),
        envelope: Set(json.clone()),
        attempts: Set(0),
        next_attempt_at: Set(now.into()),
        last_error: Set(None),
        created_at: Set(now.into()),
        sent_at: Set(None),
    };
    let rows: Vec<_> = destinations.iter().map(row).collect();
    #[cfg(feature = "failpoints")]
    let rows = tx.set_apart(rows);
    write::append(tx, rows).await?;
    tx.news().destinations.extend(destinations.iter().cloned());
    Ok(())
}

pub(crate) async fn schedule<E: Event>(
    tx: &Transaction,
    origin: &Origin<'_>,
    due: Timestamp,
    key: &str,
    event: &E,
) -> Result<Scheduled, StoreError> {
    let span = sending::<E>();
    let envelope = seal(tx, origin, &span, due, event)?;
    span.record("messaging.message.id", display(envelope.id));
    let row = scheduled::ActiveModel {
        id: Set(tx.store().ids().next()),
        dedup_key: Set(dedup_key(origin.tenant, key)),
        tenant_id: Set(origin.tenant.map(|tenant| tenant.0)),
        due_at: Set(due.into()),
        envelope: Set(to_json(tx, &envelope)?),
        created_at: Set(tx.store().clock().now().into()),
    };
    let inserting = write::insert_new(tx, vec![row], &[scheduled::Column::DedupKey]);
    let inserted = inserting.instrument(span).await?;
    if inserted == 0 {
        return Ok(Scheduled::AlreadyWaiting);
    }
    if due <= tx.store().clock().now() {
        // Work for now is not left to the engine's poll.
        tx.news().scheduled = true;
    }
    Ok(Scheduled::New(envelope.id))
}

pub(crate) async fn cancel(
    tx: &Transaction,
    tenant: Option<TenantId>,
    key: &str,
) -> Result<bool, StoreError> {
    let deleted = DeleteMany::<scheduled::Entity>::of_all(tx)
        .filter(scheduled::Column::DedupKey.eq(dedup_key(tenant, key)))
        .exec()
        .await?;
    Ok(deleted > 0)
}

/// A module chooses its keys within a tenant; the stored key is unique over all of them.
fn dedup_key(tenant: Option<TenantId>, key: &str) -> String {
    tenant.map_or_else(|| format!("-/{key}"), |tenant| format!("{tenant}/{key}"))
}

fn seal<E: Event>(
    tx: &Transaction,
    origin: &Origin<'_>,
    span: &Span,
    occurred_at: Timestamp,
    event: &E,
) -> Result<Envelope, StoreError> {
    let trace = telemetry::position(span).unwrap_or(origin.ctx.trace());
    let envelope = Envelope {
        id: EventId(tx.store().ids().next()),
        event_type: E::TYPE.to_owned(),
        version: E::VERSION,
        source: tx.store().module().to_owned(),
        tenant: origin.tenant,
        aggregate: event.aggregate(),
        occurred_at,
        traceparent: Some(trace.to_traceparent()),
        payload: to_json(tx, event)?,
    };
    // Refused while its publisher can still say something else, rather than by a receiver, which
    // would hold up its ordering key.
    let bytes = json_length(tx, &envelope)?;
    if bytes > LARGEST_EVENT {
        let module = tx.store().module();
        return Err(StoreError::EventTooLarge { module, event_type: E::TYPE, bytes });
    }
    Ok(envelope)
}

fn json_length(tx: &Transaction, envelope: &Envelope) -> Result<usize, StoreError> {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, envelope).map_err(|source| not_json(tx, source))?;
    Ok(counted.0)
}

/// Counts what is written, and keeps nothing of it.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn to_json<T: serde::Serialize>(
    tx: &Transaction,
    value: &T,
) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|source| not_json(tx, source))
}

fn not_json(tx: &Transaction, source: serde_json::Error) -> StoreError {
    StoreError::Json { module: tx.store().module(), what: "an event", source }
}
