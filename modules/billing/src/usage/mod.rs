//! Usage: what was used of each meter, counted once.

mod batch;
mod event;
pub(crate) mod http;
mod retention;
mod total;

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use billing_api::{BillingError, UsageEvent, UsageReceipt};
use kernel::{CallContext, Page, PageRequest, Timestamp};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{Claim, StoreError, TenantTx};
use utoipa::ToSchema;
use web::RequestKey;

use crate::{Billing, accounts, api::store_failed, catalog::Catalog, period::Period};

pub(crate) use retention::FORGET_EVERY;

/// The route that the keys belong to.
const ROUTE: &str = "POST /v1/billing/usage-events";

/// Of no consequence: a claim is committed with its answer or not at all.
const LEASE: Duration = Duration::from_secs(5);

/// What was used of a meter in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct UsageTotal {
    /// A meter of the price list.
    #[schema(example = "api_calls")]
    pub meter: String,
    /// The start of the calendar month, in UTC.
    pub period_start: Timestamp,
    /// The start of the next one.
    pub period_end: Timestamp,
    /// Units.
    pub quantity: i64,
}

/// What became of a batch from outside.
#[derive(Debug)]
pub(crate) enum Reported {
    Counted(UsageReceipt),
    /// The request was answered before, like this.
    Replayed {
        status: u16,
        body: Value,
    },
}

/// Why a batch was not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The contract's refusal.
    #[error(transparent)]
    Refused(#[from] BillingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a batch that comes from outside was not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("the key was used for another request")]
    KeyReused,
    #[error("the request under this key is still at work")]
    InFlight { retry_after: Duration },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordError> for BillingError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refused(refusal) => refusal,
            RecordError::Store(error) => store_failed(error),
        }
    }
}

/// Counts those of `events` that were not counted before: all of them, or none where one of them
/// is refused.
pub(crate) async fn record(
    tx: &TenantTx,
    catalog: &Catalog,
    events: &[UsageEvent],
) -> Result<UsageReceipt, RecordError> {
    batch::check(catalog, tx.store().clock().now(), events)?;
    Ok(count(tx, events).await?)
}

async fn count(tx: &TenantTx, events: &[UsageEvent]) -> Result<UsageReceipt, StoreError> {
    // The tenant's batches take turns, so that what is not there now is not there at the insert.
    accounts::lock(tx).await?;
    let counted = counted_before(tx, events).await?;
    let fresh = batch::unseen(events, &counted);
    let now = tx.store().clock().now();
    let row = |event: &&UsageEvent| event::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        event_id: Set(event.id.clone()),
        meter: Set(event.meter.clone()),
        quantity: Set(batch::quantity(event)),
        at: Set(event.at.into()),
        created_at: Set(now.into()),
    };
    let key = [event::Column::TenantId, event::Column::EventId];
    tx.insert_new(fresh.iter().map(row).collect(), &key).await?;
    for ((period_start, meter), quantity) in sums(&fresh) {
        add(tx, period_start, meter, quantity).await?;
    }
    let size = |events: usize| u32::try_from(events).unwrap_or(u32::MAX);
    Ok(UsageReceipt { counted: size(fresh.len()), repeated: size(events.len() - fresh.len()) })
}

async fn counted_before(
    tx: &TenantTx,
    events: &[UsageEvent],
) -> Result<HashSet<String>, StoreError> {
    let ids = events.iter().map(|event| event.id.as_str());
    let known = tx.find::<event::Entity>().filter(event::Column::EventId.is_in(ids)).all().await?;
    Ok(known.into_iter().map(|row| row.event_id).collect())
}

fn sums<'e>(events: &[&'e UsageEvent]) -> BTreeMap<(Timestamp, &'e str), i64> {
    let mut sums = BTreeMap::new();
    for event in events {
        let period = Period::month_of(event.at);
        *sums.entry((period.start, event.meter.as_str())).or_insert(0) += batch::quantity(event);
    }
    sums
}

async fn add(
    tx: &TenantTx,
    period_start: Timestamp,
    meter: &str,
    quantity: i64,
) -> Result<(), StoreError> {
    let now = tx.store().clock().now();
    let empty = total::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        id: Set(tx.store().ids().next()),
        meter: Set(meter.to_owned()),
        period_start: Set(period_start.into()),
        quantity: Set(0),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    };
    let key = [total::Column::TenantId, total::Column::PeriodStart, total::Column::Meter];
    tx.insert_new(vec![empty], &key).await?;
    tx.update_many::<total::Entity>()
        .set(total::Column::Quantity, Expr::col(total::Column::Quantity).add(quantity))
        .set(total::Column::UpdatedAt, now.to_offset_date_time())
        .filter(total::Column::PeriodStart.eq(period_start.to_offset_date_time()))
        .filter(total::Column::Meter.eq(meter))
        .exec()
        .await?;
    Ok(())
}

impl Billing {
    /// Counts a batch that comes from outside. Its events' ids make it once-only; a key makes its
    /// answer the same too. Claim, effect and answer are one commit.
    pub(crate) async fn report_usage(
        &self,
        ctx: &CallContext,
        events: &[UsageEvent],
        key: Option<&RequestKey>,
    ) -> Result<Reported, ReportError> {
        storage::retrying(|| self.try_to_report(ctx, events, key)).await
    }

    async fn try_to_report(
        &self,
        ctx: &CallContext,
        events: &[UsageEvent],
        key: Option<&RequestKey>,
    ) -> Result<Reported, ReportError> {
        let tx = self.store.write(ctx).await?;
        accounts::lock(&tx).await?;
        if let Some(RequestKey { key, body_hash }) = key {
            match tx.claim_key(ROUTE, key, body_hash, LEASE).await? {
                Claim::New | Claim::Resume => {}
                Claim::Replay { status, body } => return Ok(Reported::Replayed { status, body }),
                Claim::InFlight { retry_after } => {
                    return Err(ReportError::InFlight { retry_after });
                }
                Claim::Mismatch => return Err(ReportError::KeyReused),
            }
        }
        let receipt = record(&tx, &self.catalog, events).await?;
        if let Some(key) = key {
            let body = serde_json::to_value(receipt).map_err(|source| StoreError::Json {
                module: self.store.module(),
                what: "a receipt",
                source,
            })?;
            tx.complete_key(ROUTE, &key.key, 200, &body).await?;
        }
        tx.commit().await?;
        Ok(Reported::Counted(receipt))
    }

    /// A page of the tenant's totals, latest period first.
    pub(crate) async fn usage(
        &self,
        ctx: &CallContext,
        request: &PageRequest,
    ) -> Result<Page<UsageTotal>, StoreError> {
        let totals = self.store.read(ctx)?.find::<total::Entity>();
        let page = totals.page(request, total::Column::PeriodStart, total::Column::Id).await?;
        Ok(page.map(UsageTotal::from))
    }
}

impl From<total::Model> for UsageTotal {
    fn from(total: total::Model) -> Self {
        let period = Period::month_of(total.period_start.into());
        Self {
            meter: total.meter,
            period_start: period.start,
            period_end: period.end,
            quantity: total.quantity,
        }
    }
}
