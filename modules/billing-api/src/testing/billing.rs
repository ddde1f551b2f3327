//! The contract suite of [`BillingApi`].

use std::time::Duration;

use futures_util::future::join_all;
use kernel::{CallContext, CallId, CallKey, Principal, Role, TenantId, Timestamp, UserId};
use seam::CallFailure;

use crate::{
    BillingApi, BillingError, MeterAllowance, SeatRequest, SeatUsage, UsageBatch, UsageEvent,
    UsageReceipt,
};

/// How long a call may take; more than any needs.
const ALLOWED: Duration = Duration::from_secs(30);

/// Checks what [`BillingApi`] promises. Its clock says `now`, and its free plan is `free` with two
/// seats and 1,000 `api_calls`. Each run uses tenants of its own.
///
/// # Panics
/// On the first promise that is broken.
pub async fn billing_contract(billing: &dyn BillingApi, now: Timestamp) {
    check_a_new_tenant_has_the_free_plan(billing).await;
    check_seats_are_limited(billing).await;
    check_a_seat_is_kept_and_given_back(billing).await;
    check_a_key_has_one_outcome(billing).await;
    check_parallel_reservations_stay_within_the_limit(billing).await;
    check_usage_counts_once(billing, now).await;
    check_a_batch_counts_whole_or_not_at_all(billing, now).await;
    check_who_may_do_what(billing, now).await;
    check_tenants_do_not_meet(billing, now).await;
    check_no_work_is_done_too_late(billing).await;
}

async fn check_a_new_tenant_has_the_free_plan(billing: &dyn BillingApi) {
    let tenant = tenant();
    let entitlements = billing.entitlements(&of_tenant(tenant)).await.expect("entitlements");
    assert_eq!((entitlements.tenant, entitlements.plan.as_str()), (tenant, "free"));
    assert_eq!(entitlements.seats, SeatUsage { used: 0, limit: 2 });
    assert_eq!(entitlements.meters["api_calls"], MeterAllowance { included: 1_000 });
}

async fn check_seats_are_limited(billing: &dyn BillingApi) {
    let tenant = tenant();
    for (used, holder) in [(1, "invitation:a"), (2, "invitation:b")] {
        let seat = billing.reserve_seat(&of_tenant(tenant), seat(holder)).await;
        let seat = seat.expect("a seat");
        assert_eq!((seat.holder.as_str(), seat.usage), (holder, SeatUsage { used, limit: 2 }));
    }
    let third = billing.reserve_seat(&of_tenant(tenant), seat("invitation:c")).await;
    assert_eq!(third, Err(BillingError::NoFreeSeat { limit: 2 }));
    let entitlements = billing.entitlements(&of_tenant(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats, SeatUsage { used: 2, limit: 2 });
    for holder in [String::new(), "h".repeat(101)] {
        let refused = billing.reserve_seat(&of_tenant(tenant), seat(&holder)).await;
        assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    }
}

async fn check_a_seat_is_kept_and_given_back(billing: &dyn BillingApi) {
    let tenant = tenant();
    for _ in 0..3 {
        let kept = billing.reserve_seat(&of_tenant(tenant), seat("a")).await;
        assert_eq!(kept.expect("a seat").usage.used, 1);
    }
    for _ in 0..2 {
        let released = billing.release_seat(&of_tenant(tenant), seat("a")).await;
        assert_eq!(released, Ok(()));
    }
    let entitlements = billing.entitlements(&of_tenant(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats.used, 0);
}

async fn check_a_key_has_one_outcome(billing: &dyn BillingApi) {
    let tenant = tenant();
    let keyed = |key: &str| of_tenant(tenant).with_key(CallKey::new(key));
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

async fn check_parallel_reservations_stay_within_the_limit(billing: &dyn BillingApi) {
    let tenant = tenant();
    let reserve = |n: usize| async move {
        billing.reserve_seat(&of_tenant(tenant), seat(&format!("invitation:{n}"))).await
    };
    let outcomes = join_all((0..20).map(reserve)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    let refused = Err(BillingError::NoFreeSeat { limit: 2 });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), 18);
    let entitlements = billing.entitlements(&of_tenant(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats, SeatUsage { used: 2, limit: 2 });
}

async fn check_usage_counts_once(billing: &dyn BillingApi, now: Timestamp) {
    let tenant = tenant();
    let record = |ids: &'static [&'static str]| async move {
        let events = ids.iter().map(|id| usage(id, now)).collect();
        billing.record_usage(&of_tenant(tenant), UsageBatch { events }).await
    };
    assert_eq!(record(&["a", "b"]).await, Ok(UsageReceipt { counted: 2, repeated: 0 }));
    assert_eq!(record(&["b", "c", "c"]).await, Ok(UsageReceipt { counted: 1, repeated: 2 }));
    assert_eq!(record(&["a", "b", "c"]).await, Ok(UsageReceipt { counted: 0, repeated: 3 }));
}

async fn check_a_batch_counts_whole_or_not_at_all(billing: &dyn BillingApi, now: Timestamp) {
    let tenant = tenant();
    let record = |events| async move {
        billing.record_usage(&of_tenant(tenant), UsageBatch { events }).await
    };
    let unknown = UsageEvent { meter: "coffee".to_owned(), ..usage("b", now) };
    let refused = record(vec![usage("a", now), unknown]).await;
    assert_eq!(refused, Err(BillingError::UnknownMeter { meter: "coffee".to_owned() }));
    let too_late = UsageEvent { at: now - Duration::from_secs(36 * 86_400), ..usage("b", now) };
    let refused = record(vec![usage("a", now), too_late]).await;
    assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    let refused = record(Vec::new()).await;
    assert!(matches!(refused, Err(BillingError::Invalid { .. })), "{refused:?}");
    assert_eq!(record(vec![usage("a", now)]).await, Ok(UsageReceipt { counted: 1, repeated: 0 }));
}

async fn check_who_may_do_what(billing: &dyn BillingApi, now: Timestamp) {
    let tenant = tenant();
    for principal in [Principal::Anonymous, Principal::service("auth")] {
        let ctx = context(principal);
        assert_eq!(billing.entitlements(&ctx).await, Err(BillingError::Forbidden));
        let refused = billing.reserve_seat(&ctx, seat("a")).await;
        assert_eq!(refused, Err(BillingError::Forbidden));
        assert_eq!(billing.release_seat(&ctx, seat("a")).await, Err(BillingError::Forbidden));
        let refused =
            billing.record_usage(&ctx, UsageBatch { events: vec![usage("a", now)] }).await;
        assert_eq!(refused, Err(BillingError::Forbidden));
    }
    let user = |role| context(Principal::User { user: UserId(CallId::random().0), tenant, role });
    assert!(billing.entitlements(&user(Role::Member)).await.is_ok());
    let events = vec![usage("a", now)];
    assert!(billing.record_usage(&user(Role::Member), UsageBatch { events }).await.is_ok());
    let refused = billing.reserve_seat(&user(Role::Member), seat("a")).await;
    assert_eq!(refused, Err(BillingError::Forbidden));
    let refused = billing.release_seat(&user(Role::Member), seat("a")).await;
    assert_eq!(refused, Err(BillingError::Forbidden));
    assert!(billing.reserve_seat(&user(Role::Admin), seat("a")).await.is_ok());
    assert!(billing.release_seat(&user(Role::Owner), seat("a")).await.is_ok());
}

async fn check_tenants_do_not_meet(billing: &dyn BillingApi, now: Timestamp) {
    let (one, other) = (tenant(), tenant());
    let key = || CallKey::new("the same");
    for tenant in [one, other] {
        let ctx = of_tenant(tenant).with_key(key());
        let seat = billing.reserve_seat(&ctx, seat("a")).await.expect("a seat");
        assert_eq!(seat.usage.used, 1);
        let batch = UsageBatch { events: vec![usage("a", now)] };
        let counted = billing.record_usage(&of_tenant(tenant), batch).await;
        assert_eq!(counted, Ok(UsageReceipt { counted: 1, repeated: 0 }));
    }
    billing.release_seat(&of_tenant(one), seat("a")).await.expect("a release");
    let kept = billing.entitlements(&of_tenant(other)).await.expect("entitlements");
    assert_eq!(kept.seats.used, 1);
}

async fn check_no_work_is_done_too_late(billing: &dyn BillingApi) {
    let tenant = tenant();
    let late = of_tenant(tenant).with_time(Duration::ZERO);
    let outcome = billing.reserve_seat(&late, seat("a")).await;
    assert_eq!(outcome, Err(CallFailure::deadline_exceeded("billing").into()));
    let entitlements = billing.entitlements(&of_tenant(tenant)).await.expect("entitlements");
    assert_eq!(entitlements.seats.used, 0);
}

fn seat(holder: &str) -> SeatRequest {
    SeatRequest { holder: holder.to_owned() }
}

fn usage(id: &str, at: Timestamp) -> UsageEvent {
    UsageEvent { id: id.to_owned(), meter: "api_calls".to_owned(), quantity: 5, at }
}

fn tenant() -> TenantId {
    TenantId(CallId::random().0)
}

/// A new call by a module at work for `tenant`.
fn of_tenant(tenant: TenantId) -> CallContext {
    context(Principal::service_for("contract", tenant))
}

fn context(principal: Principal) -> CallContext {
    CallContext::new(principal, CallId::random(), ALLOWED)
}
