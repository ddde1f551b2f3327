//! What a caller may rely on, whichever way its calls take. Each check gets the way and builds
//! the house it needs.

use std::{sync::Arc, time::Duration};

use kernel::{CallKey, Locale, Principal, TenantId, TraceContext};
use seam::CallFailure;
use uuid::Uuid;

use crate::{
    house::{House, Way, context, context_with, user},
    ledger::{Entry, LedgerError, Trouble},
    within,
};

fn entry(amount: i64) -> Entry {
    let tags = vec![None, Some(String::new()), Some("Größe \u{1f9f1}\n\"\\".to_owned())];
    Entry { amount, text: "a".repeat(100_000), tags }
}

async fn misbehave(house: &House, trouble: Trouble) -> Result<(), LedgerError> {
    within(house.client.misbehave(&context(), trouble)).await
}

pub(crate) async fn results_come_back_as_they_were_sent(way: Way) {
    let house = House::open(way).await;
    let booked = house.client.book(&context(), entry(i64::MIN)).await.expect("booked");
    assert_eq!(booked.entry, entry(i64::MIN));
    assert_eq!(house.client.balance(&context()).await, Ok(i64::MIN));
}

pub(crate) async fn the_context_goes_with_the_call(way: Way) {
    let house = House::open(way).await;
    let tenant = TenantId(Uuid::from_u128(3));
    for principal in [
        user(),
        Principal::Anonymous,
        Principal::service("auth"),
        Principal::service_for("auth", tenant),
    ] {
        let trace = TraceContext { trace_id: 0xabc, span_id: 0xdef, sampled: false };
        let context = context()
            .with_principal(principal.clone())
            .with_key(CallKey::new("Schlüssel 100%"))
            .with_locale(Locale::from("de-AT".to_owned()))
            .with_trace(trace);
        let seen = house.client.seen(&context).await.expect("seen");
        assert_eq!(seen.principal, principal);
        assert_eq!(seen.call_id, context.call_id().to_string());
        assert_eq!(seen.key, "Schlüssel 100%/LedgerApi.seen/1");
        assert_eq!(seen.trace_id, format!("{:032x}", 0xabc));
        assert_eq!(seen.locale, "de-AT");
        assert!((1_000..=30_000).contains(&seen.remaining_ms), "{}", seen.remaining_ms);
    }
}

pub(crate) async fn refusals_cross_unchanged(way: Way) {
    let house = House::open(way).await;
    assert_eq!(misbehave(&house, Trouble::RefuseClosed).await, Err(LedgerError::Closed));
    let overdrawn = LedgerError::Overdrawn { by: i64::MAX, reason: "“schön”\n".to_owned() };
    assert_eq!(misbehave(&house, Trouble::RefuseOverdrawn).await, Err(overdrawn));
}

pub(crate) async fn the_callees_failures_are_told_as_its_own(way: Way) {
    let house = House::open(way).await;
    for (own, told) in [
        (CallFailure::unavailable("ledger"), CallFailure::unavailable("ledger")),
        (CallFailure::unavailable("bank"), CallFailure::outcome_unknown("ledger")),
        (CallFailure::outcome_unknown("ledger"), CallFailure::outcome_unknown("ledger")),
        (CallFailure::outcome_unknown("bank"), CallFailure::outcome_unknown("ledger")),
        (CallFailure::deadline_exceeded("bank"), CallFailure::deadline_exceeded("ledger")),
        (CallFailure::incompatible("bank", "x"), CallFailure::outcome_unknown("ledger")),
        (CallFailure::incompatible("ledger", "x"), CallFailure::incompatible("ledger", "x")),
    ] {
        let failed = misbehave(&house, Trouble::Fail(own.clone())).await;
        assert_eq!(failed, Err(told.into()), "{own:?}");
    }
}

pub(crate) async fn a_call_ends_with_its_time_and_so_does_the_work(way: Way) {
    let house = House::open(way).await;
    let context = context_with(Duration::from_millis(150));
    let failed = within(house.client.misbehave(&context, Trouble::Hang)).await;
    assert_eq!(failed, Err(CallFailure::deadline_exceeded("ledger").into()));
    within(house.ledger.dropped.notified()).await;
}

pub(crate) async fn work_whose_time_is_up_is_not_begun(way: Way) {
    let house = House::open(way).await;
    let context = context_with(Duration::ZERO);
    let failed = house.client.book(&context, entry(1)).await;
    assert_eq!(failed, Err(CallFailure::deadline_exceeded("ledger").into()));
    assert_eq!(house.ledger.calls(), 0);
}

pub(crate) async fn a_caller_that_goes_away_ends_the_work(way: Way) {
    let house = House::open(way).await;
    let client = Arc::clone(&house.client);
    let caller = tokio::spawn(async move { client.misbehave(&context(), Trouble::Hang).await });
    within(house.ledger.hanging.notified()).await;
    caller.abort();
    within(house.ledger.dropped.notified()).await;
    // The way is free for the next one.
    assert_eq!(house.client.balance(&context()).await, Ok(0));
}

pub(crate) async fn a_panic_is_an_unknown_outcome_and_harms_nobody_else(way: Way) {
    let house = House::open(way).await;
    let failed = misbehave(&house, Trouble::Panic).await;
    assert_eq!(failed, Err(CallFailure::outcome_unknown("ledger").into()));
    assert_eq!(house.client.balance(&context()).await, Ok(0));
}

pub(crate) async fn a_write_happens_once_however_often_it_arrives(way: Way) {
    let house = House::open(way).await;
    let request = || context().with_key(CallKey::new("invoice 7"));
    let first = house.client.book(&request(), entry(5)).await.expect("booked");
    let second = house.client.book(&request(), entry(5)).await;
    assert_eq!(second, Ok(first));
    assert_eq!(house.ledger.entries(), 1);

    let another = house.client.book(&request(), entry(6)).await;
    let refused = matches!(&another, Err(LedgerError::Call(CallFailure::Incompatible { .. })));
    assert!(refused, "{another:?}");
    assert_eq!(house.client.balance(&context()).await, Ok(5));
}

pub(crate) async fn two_writes_of_one_caller_are_two(way: Way) {
    let house = House::open(way).await;
    let caller = context();
    for amount in [5, 5] {
        house.client.book(&caller, entry(amount)).await.expect("booked");
    }
    assert_eq!(house.client.balance(&caller).await, Ok(10));
}

pub(crate) async fn a_callee_that_is_not_up_is_unavailable_until_it_is(way: Way) {
    let mut house = House::closed(way);
    let request = || context().with_key(CallKey::new("invoice 7"));
    let failed = within(house.client.book(&request(), entry(5))).await;
    assert_eq!(failed, Err(CallFailure::unavailable("ledger").into()));
    house.start().await;
    let booked = within(async {
        loop {
            match house.client.book(&request(), entry(5)).await {
                Ok(booked) => break booked,
                // The breaker may not have let a probe through yet.
                Err(LedgerError::Call(CallFailure::Unavailable { .. })) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    assert_eq!(booked.await.number, 1);
}
