//! What other modules are served.

use async_trait::async_trait;
use billing_api::{
    BillingApi, BillingError, Entitlements, Seat, SeatRequest, UsageBatch, UsageReceipt,
};
use kernel::{CallContext, Principal, Role};
use seam::CallFailure;
use storage::{Once, StoreError};

use crate::{Billing, entitlements, seats, usage};

#[async_trait]
impl BillingApi for Billing {
    async fn entitlements(&self, ctx: &CallContext) -> Result<Entitlements, BillingError> {
        allow(ctx, Role::Member)?;
        entitlements::read(self, ctx).await.map_err(store_failed)
    }

    async fn reserve_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<Seat, BillingError> {
        allow(ctx, Role::Admin)?;
        storage::retrying(|| async {
            let tx = match self.store.once(ctx, "reserve_seat", &request).await? {
                Once::First(tx) => tx,
                Once::Recorded(outcome) => return outcome,
            };
            let outcome = seats::reserve(&tx, &self.catalog, &request).await;
            tx.finish(outcome).await
        })
        .await
    }

    async fn release_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<(), BillingError> {
        allow(ctx, Role::Admin)?;
        storage::retrying(|| async {
            let tx = match self.store.once(ctx, "release_seat", &request).await? {
                Once::First(tx) => tx,
                Once::Recorded(outcome) => return outcome,
            };
            let outcome = seats::release(&tx, &request).await;
            tx.finish(outcome).await
        })
        .await
    }

    async fn record_usage(
        &self,
        ctx: &CallContext,
        batch: UsageBatch,
    ) -> Result<UsageReceipt, BillingError> {
        // Any member's work may be metered: it is the calling module that counts, not the member.
        allow(ctx, Role::Member)?;
        storage::retrying(|| async {
            let tx = match self.store.once(ctx, "record_usage", &batch).await? {
                Once::First(tx) => tx,
                Once::Recorded(outcome) => return outcome,
            };
            let outcome = usage::record(&tx, &self.catalog, &batch.events).await;
            tx.finish(outcome.map_err(BillingError::from)).await
        })
        .await
    }
}

/// Lets a module at work for a tenant pass, and a user of a tenant who has `role` there: a module
/// that calls on behalf of a user does not lend them its own rights.
fn allow(ctx: &CallContext, role: Role) -> Result<(), BillingError> {
    match ctx.principal() {
        Principal::User { role: own, .. } if *own >= role => Ok(()),
        Principal::Service { tenant: Some(_), .. } => Ok(()),
        Principal::User { .. } | Principal::Service { tenant: None, .. } | Principal::Anonymous => {
            Err(BillingError::Forbidden)
        }
    }
}

/// A store's failure, as a caller of the contract sees it.
pub(crate) fn store_failed(error: StoreError) -> BillingError {
    CallFailure::from(error).into()
}
