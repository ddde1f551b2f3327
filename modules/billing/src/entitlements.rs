//! What a tenant may use now.

use actix_web::{
    get,
    web::{Data, Json},
};
use billing_api::{Entitlements, SeatUsage};
use kernel::CallContext;
use sea_orm::Condition;
use storage::{StoreError, TenantTx};
use web::{Caller, Problem, StandardErrors};

use crate::{
    Billing,
    catalog::{Catalog, Plan},
    seats::{self, seat},
    subscriptions::{self, Status, subscription},
};

/// What the calling tenant may use now.
///
/// The features of its plan, its seats, and what each meter includes per calendar month (UTC).
#[utoipa::path(
    tag = "billing",
    responses((status = OK, body = Entitlements), StandardErrors),
    security(("bearer" = []))
)]
#[get("/entitlements")]
pub(crate) async fn show_entitlements(
    caller: Caller,
    billing: Data<Billing>,
) -> Result<Json<Entitlements>, Problem> {
    Ok(Json(read(&billing, &caller).await?))
}

pub(crate) async fn read(billing: &Billing, ctx: &CallContext) -> Result<Entitlements, StoreError> {
    let reader = billing.store.read(ctx)?;
    let all = Condition::all();
    let (subscription, used) =
        reader.one_and_count::<_, seat::Entity>(subscriptions::in_force, all).await?;
    let used = seats::number(used);
    let InForce { plan, seats } = in_force(&billing.catalog, subscription.as_ref());
    Ok(Entitlements {
        tenant: reader.tenant(),
        plan: plan.id.clone(),
        features: plan.features.clone(),
        seats: SeatUsage { used, limit: seats },
        meters: plan.meters.clone(),
    })
}

/// How many seats the tenant may take in all. While a subscription waits to be paid for, no more
/// than it will have: what was taken meanwhile could not be taken back.
pub(crate) async fn seat_limit(tx: &TenantTx, catalog: &Catalog) -> Result<u32, StoreError> {
    let Some(live) = subscriptions::live(tx.find()).one().await? else {
        return Ok(in_force(catalog, None).seats);
    };
    Ok(match live.status {
        Status::Pending => in_force(catalog, None).seats.min(live.seats()),
        Status::Active | Status::Failed => in_force(catalog, Some(&live)).seats,
    })
}

struct InForce<'c> {
    plan: &'c Plan,
    seats: u32,
}

/// The plan that counts: the subscription's, or the default one. A plan that the operator has
/// taken out of the price list altogether leaves the seats that were paid for, and the default
/// plan's features.
fn in_force<'c>(catalog: &'c Catalog, subscription: Option<&subscription::Model>) -> InForce<'c> {
    let default = catalog.default_plan();
    let Some(subscription) = subscription else {
        return InForce { plan: default, seats: default.seats.max };
    };
    let plan = catalog.plan(&subscription.plan_id).unwrap_or_else(|| {
        tracing::warn!(
            billing.plan = subscription.plan_id,
            "a subscription's plan is not in the price list; archive a plan instead of deleting it"
        );
        default
    });
    InForce { plan, seats: subscription.seats() }
}
