//! Subscriptions: how one begins, and what it is.
//!
//! A beginning is three steps, of which the middle one is not ours: the *intent* is committed
//! (`begin`), the provider is asked, the answer is *settled* (`settle`). Whoever is cut off
//! after the first leaves a charge that the *completer* (`completer`) asks for again. Should even
//! the completer be lost, a sweep over the claimed keys (`claims`) sends another; and what the
//! provider tells of its own accord (`crate::webhooks`) is acted upon as the completer would.

mod begin;
pub(crate) mod charge;
mod claims;
mod completer;
mod customer;
pub(crate) mod http;
mod order;
mod resolve;
mod settle;
mod state;
mod subscribe;
pub(crate) mod subscription;
mod view;

use kernel::CallContext;
use sea_orm::ColumnTrait;
use storage::{Query, StoreError};

use crate::Billing;

pub(crate) use claims::SWEEP_EVERY as LOOK_AFTER_CLAIMS_EVERY;
pub(crate) use completer::CompleteCharge;
pub(crate) use order::Subscribe;
pub(crate) use resolve::Resolved;
pub(crate) use state::{ChargeState, Checkout, InvoiceStatus, Settlement, Status};
pub(crate) use subscribe::{Answer, SubscribeError};
pub(crate) use view::SubscriptionView;

/// The subscription that is in force, of which there is at most one.
pub(crate) fn in_force<P>(
    subscriptions: Query<'_, subscription::Entity, P>,
) -> Query<'_, subscription::Entity, P> {
    subscriptions.filter(subscription::Column::Status.eq(Status::Active))
}

/// The subscription that keeps another from beginning, of which there is at most one.
pub(crate) fn live<P>(
    subscriptions: Query<'_, subscription::Entity, P>,
) -> Query<'_, subscription::Entity, P> {
    let live = [Status::Pending, Status::Active, Status::Failed].into_iter();
    subscriptions.filter(subscription::Column::Status.is_in(live.filter(|status| status.is_live())))
}

impl Billing {
    /// The subscription that is in force.
    pub(crate) async fn subscription(
        &self,
        ctx: &CallContext,
    ) -> Result<Option<SubscriptionView>, StoreError> {
        let found = in_force(self.store.read(ctx)?.find()).one().await?;
        Ok(found.as_ref().map(SubscriptionView::from))
    }
}
