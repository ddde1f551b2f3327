//! The contract suite of `BillingApi`, over each way to reach it.

use std::{sync::Arc, time::Duration};

use billing_api::{
    BillingApi, BillingError, MeterAllowance, SeatRequest, SeatUsage, UsageBatch, UsageEvent,
    UsageReceipt,
};
use futures_util::future::join_all;
use kernel::{CallContext, CallKey, Role, TenantId, UserId};
use module::Placement;
use seam::{CallFailure, Repeat};
use testing::{Client, anonymous_context, noon, tenant_context, user_context};
use uuid::Uuid;

use crate::support::{Bench, tenant};

#[tokio::test]
async fn keeps_its_contract_when_called_directly() {
    let bench = Bench::new().await;
    keeps_its_contract(bench.api()).await;
}

#[tokio::test]
async fn keeps_its_contract_over_the_wire() {
    let bench = Bench::placed(Placement::Loopback(Repeat::Always)).await;
    keeps_its_contract(bench.api()).await;
}

#[tokio::test]
async fn keeps_its_contract_over_http() {
    let bench = Bench::new().await;
    keeps_its_contract(Client::Http.of(bench.api())).await;
}

#[tokio::test]
async fn a_restart_between_two_calls_forgets_nothing() {
    let mut bench = Bench::new().await;
    let keyed = || tenant_context(tenant(1)).with_key(CallKey::new("first"));
    let first = bench.api().reserve_seat(&keyed(), seat("a")).await.expect("a seat");
    bench.api().reserve_seat(&tenant_context(tenant(1)), seat("b")).await.expect("a seat");
    bench.restart().await;
    let billing = bench.api();
    assert_eq!(billing.reserve_seat(&keyed(), seat("a")).await, Ok(first));
    let third = billing.reserve_seat(&tenant_context(tenant(1)), seat("c")).await;
    assert_eq!(third, Err(BillingError::NoFreeSeat { limit: 2 }));
}

async fn keeps_its_contract(billing: Arc<dyn BillingApi>) {
    check_a_new_tenant_has_the_free_plan(&*billing, tenant(1)).await;
    check_seats_are_limited(&*billing, tenant(2)).await;
    check_a_seat_is_kept_and_given_back(&*billing, tenant(3)).await;
    check_a_key_has_one_outcome(&*billing, tenant(4)).await;
    check_parallel_reservations_stay_within_the_limit(&*billing, tenant(5)).await;
    check_usage_counts_once(&*billing, tenant(6)).await;
    check_a_batch_counts_whole_or_not_at_all(&*billing, tenant(7)).await;
    check_who_may_do_what(&*billing, tenant(8)).await;
    check_tenants_do_not_meet(&*billing, tenant(9), tenant(10)).await;
    check_no_work_is_done_too_late(&*billing, tenant(11)).await;
}

async fn check_a_new_tenant_has_the_free_plan(billing: &dyn BillingApi, tenant: TenantId) {
    let entitlements = billing.entitlements(&tenant_context(tenant)).await.expect("entitlements");
    assert_eq!((entitlements.tenant, entitlements.plan.as_str()), (tenant, "free"));
    assert_eq!(entitlements.seats, SeatUsage { used: 0, limit: 2 });
    assert_eq!(entitlements.meters["api_calls"], MeterAllowance { included: 1_000 });
}

async fn check_seats_are_limited(billing: &dyn BillingApi, tenant: TenantId) {
    for (used, holder) in [(1, "invitation:a"), (2, "invitation:b")] {
        let seat = billing.reserve_seat(&tenant_context(tenant), seat(holder)).await;
        let seat = seat.expect("a seat");
        assert_eq!((seat.holder.as_str(), seat.usage), (holder, SeatUsage { used, limit: 2 }));
    }
    let third = billing.reserve_seat(&tenant_context(tenant), seat("invitation:c")).await;
    assert_eq!(third, Err(BillingError::NoFreeSeat { limit: 2 }));
    let entitlements = billing.entitlements(&tenant_context(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats, SeatUsage { used: 2, limit: 2 });
    for holder in [String::new(), "h".repeat(101)] {
        let refused = billing.reserve_seat(&tenant_context(tenant), seat(&holder)).await;
        assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    }
}

async fn check_a_seat_is_kept_and_given_back(billing: &dyn BillingApi, tenant: TenantId) {
    for _ in 0..3 {
        let kept = billing.reserve_seat(&tenant_context(tenant), seat("a")).await;
        assert_eq!(kept.expect("a seat").usage.used, 1);
    }
    for _ in 0..2 {
        let released = billing.release_seat(&tenant_context(tenant), seat("a")).await;
        assert_eq!(released, Ok(()));
    }
    let entitlements = billing.entitlements(&tenant_context(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats.used, 0);
}

async fn check_a_key_has_one_outcome(billing: &dyn BillingApi, tenant: TenantId) {
    let keyed = |key: &str| tenant_context(tenant).with_key(CallKey::new(key));
    let first = billing.reserve_seat(&keyed("first"), seat("a")).await.expect("a seat");
    billing.reserve_seat(&keyed("second"), seat("b")).await.expect("a seat");
    let refused = billing.reserve_seat(&keyed("third"), seat("c")).await;
    assert_eq!(refused, Err(BillingError::NoFreeSeat { limit: 2 }));
    billing.release_seat(&keyed("fourth"), seat("b")).await.expect("a release");

    // Circumstances have changed; what was answered has not.
    assert_eq!(billing.reserve_seat(&keyed("first"), seat("a")).await, Ok(first));
    assert_eq!(billing.reserve_seat(&keyed("third"), seat("c")).await, refused);
    let reused = billing.reserve_seat(&keyed("first"), seat("d")).await;
    assert!(is_incompatible(&reused), "{reused:?}");
}

fn is_incompatible<T>(outcome: &Result<T, BillingError>) -> bool {
    matches!(outcome, Err(BillingError::Call(CallFailure::Incompatible { .. })))
}

async fn check_parallel_reservations_stay_within_the_limit(
    billing: &dyn BillingApi,
    tenant: TenantId,
) {
    let reserve = |n: usize| async move {
        billing.reserve_seat(&tenant_context(tenant), seat(&format!("invitation:{n}"))).await
    };
    let outcomes = join_all((0..20).map(reserve)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    let refused = Err(BillingError::NoFreeSeat { limit: 2 });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), 18);
    let entitlements = billing.entitlements(&tenant_context(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats, SeatUsage { used: 2, limit: 2 });
}

async fn check_usage_counts_once(billing: &dyn BillingApi, tenant: TenantId) {
    let record = |ids: &'static [&'static str]| async move {
        let events = ids.iter().map(|id| usage(id)).collect();
        billing.record_usage(&tenant_context(tenant), UsageBatch { events }).await
    };
    assert_eq!(record(&["a", "b"]).await, Ok(UsageReceipt { counted: 2, repeated: 0 }));
    assert_eq!(record(&["b", "c", "c"]).await, Ok(UsageReceipt { counted: 1, repeated: 2 }));
    assert_eq!(record(&["a", "b", "c"]).await, Ok(UsageReceipt { counted: 0, repeated: 3 }));
}

async fn check_a_batch_counts_whole_or_not_at_all(billing: &dyn BillingApi, tenant: TenantId) {
    let record = |events| async move {
        billing.record_usage(&tenant_context(tenant), UsageBatch { events }).await
    };
    let unknown = UsageEvent { meter: "coffee".to_owned(), ..usage("b") };
    let refused = record(vec![usage("a"), unknown]).await;
    assert_eq!(refused, Err(BillingError::UnknownMeter { meter: "coffee".to_owned() }));
    let too_late = UsageEvent { at: noon() - Duration::from_secs(36 * 86_400), ..usage("b") };
    let refused = record(vec![usage("a"), too_late]).await;
    assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    let refused = record(Vec::new()).await;
    assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    assert_eq!(record(vec![usage("a")]).await, Ok(UsageReceipt { counted: 1, repeated: 0 }));
}

async fn check_who_may_do_what(billing: &dyn BillingApi, tenant: TenantId) {
    let nobody = anonymous_context();
    let module = kernel::Principal::service("auth");
    let without_tenant = anonymous_context().with_principal(module);
    for ctx in [nobody, without_tenant] {
        assert_eq!(billing.entitlements(&ctx).await, Err(BillingError::Forbidden));
        let refused = billing.reserve_seat(&ctx, seat("a")).await;
        assert_eq!(refused, Err(BillingError::Forbidden));
        assert_eq!(billing.release_seat(&ctx, seat("a")).await, Err(BillingError::Forbidden));
        let refused = billing.record_usage(&ctx, UsageBatch { events: vec![usage("a")] }).await;
        assert_eq!(refused, Err(BillingError::Forbidden));
    }
    let user = |role| -> CallContext { user_context(UserId(Uuid::from_u128(1)), tenant, role) };
    assert!(billing.entitlements(&user(Role::Member)).await.is_ok());
    let events = vec![usage("a")];
    assert!(billing.record_usage(&user(Role::Member), UsageBatch { events }).await.is_ok());
    let refused = billing.reserve_seat(&user(Role::Member), seat("a")).await;
    assert_eq!(refused, Err(BillingError::Forbidden));
    let refused = billing.release_seat(&user(Role::Member), seat("a")).await;
    assert_eq!(refused, Err(BillingError::Forbidden));
    assert!(billing.reserve_seat(&user(Role::Admin), seat("a")).await.is_ok());
    assert!(billing.release_seat(&user(Role::Owner), seat("a")).await.is_ok());
}

async fn check_tenants_do_not_meet(billing: &dyn BillingApi, one: TenantId, other: TenantId) {
    let key = || CallKey::new("the same");
    for tenant in [one, other] {
        let ctx = tenant_context(tenant).with_key(key());
        let seat = billing.reserve_seat(&ctx, seat("a")).await.expect("a seat");
        assert_eq!(seat.usage.used, 1);
        let batch = UsageBatch { events: vec![usage("a")] };
        let counted = billing.record_usage(&tenant_context(tenant), batch).await;
        assert_eq!(counted, Ok(UsageReceipt { counted: 1, repeated: 0 }));
    }
    billing.release_seat(&tenant_context(one), seat("a")).await.expect("a release");
    let kept = billing.entitlements(&tenant_context(other)).await.expect("entitlements");
    assert_eq!(kept.seats.used, 1);
}

async fn check_no_work_is_done_too_late(billing: &dyn BillingApi, tenant: TenantId) {
    let late = tenant_context(tenant).with_time(Duration::ZERO);
    let outcome = billing.reserve_seat(&late, seat("a")).await;
    assert_eq!(outcome, Err(CallFailure::deadline_exceeded("billing").into()));
    let entitlements = billing.entitlements(&tenant_context(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats.used, 0);
}

fn seat(holder: &str) -> SeatRequest {
    SeatRequest { holder: holder.to_owned() }
}

fn usage(id: &str) -> UsageEvent {
    UsageEvent { id: id.to_owned(), meter: "api_calls".to_owned(), quantity: 5, at: noon() }
}
