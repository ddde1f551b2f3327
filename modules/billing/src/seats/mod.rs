//! Seats: who takes part in what a tenant pays for.

mod consumer;
pub(crate) mod seat;

use billing_api::{BillingError, Seat, SeatRequest, SeatUsage};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{Query, StoreError, TenantTx};

use crate::{accounts, api::store_failed, catalog::Catalog, entitlements};

pub(crate) use consumer::OwnerSeat;

/// The longest name of a holder, in characters.
const LONGEST_HOLDER: usize = 100;

/// Takes a seat, unless all are taken. A holder of a seat keeps it.
pub(crate) async fn reserve(
    tx: &TenantTx,
    catalog: &Catalog,
    request: &SeatRequest,
) -> Result<Seat, BillingError> {
    check_holder(&request.holder)?;
    let reserved = async {
        // Whoever reserves for the same tenant waits here: what is counted stays true.
        accounts::lock(tx).await?;
        let limit = entitlements::seat_limit(tx, catalog).await?;
        let used = count(tx.find()).await?;
        if holds_one(tx, &request.holder).await? {
            return Ok(Ok(SeatUsage { used, limit }));
        }
        if used >= limit {
            return Ok(Err(BillingError::NoFreeSeat { limit }));
        }
        take(tx, &request.holder).await?;
        Ok(Ok(SeatUsage { used: used + 1, limit }))
    };
    let usage = reserved.await.map_err(store_failed)??;
    Ok(Seat { holder: request.holder.clone(), usage })
}

/// Gives a seat back.
pub(crate) async fn release(tx: &TenantTx, request: &SeatRequest) -> Result<(), BillingError> {
    check_holder(&request.holder)?;
    let holder = seat::Column::Holder.eq(&*request.holder);
    tx.delete_many::<seat::Entity>().filter(holder).exec().await.map_err(store_failed)?;
    Ok(())
}

/// How many seats are taken.
pub(crate) async fn count<P>(seats: Query<'_, seat::Entity, P>) -> Result<u32, StoreError> {
    Ok(number(seats.count().await?))
}

/// A number of seats as the contract has it.
pub(crate) fn number(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// Takes a seat without asking whether there is one.
async fn take(tx: &TenantTx, holder: &str) -> Result<(), StoreError> {
    let row = seat::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        holder: Set(holder.to_owned()),
        created_at: Set(tx.store().clock().now().into()),
    };
    tx.insert_new(vec![row], &[seat::Column::TenantId, seat::Column::Holder]).await?;
    Ok(())
}

async fn holds_one(tx: &TenantTx, holder: &str) -> Result<bool, StoreError> {
    tx.find::<seat::Entity>().filter(seat::Column::Holder.eq(holder)).exists().await
}

fn check_holder(holder: &str) -> Result<(), BillingError> {
    if (1..=LONGEST_HOLDER).contains(&holder.chars().count()) {
        return Ok(());
    }
    let detail = format!("`holder` has not 1 to {LONGEST_HOLDER} characters");
    Err(BillingError::Invalid { detail })
}
