//! A callee that goes down between two calls, and comes back.

use std::time::Duration;

use kernel::CallKey;
use seam::{CallFailure, Port};
use testing::transport_to;
use tokio::runtime::Handle;

use crate::{
    house::{House, Way, context},
    ledger::{Entry, LedgerApi, LedgerError, Trouble},
    within,
};

fn entry() -> Entry {
    Entry { amount: 5, text: String::new(), tags: Vec::new() }
}

/// Calls until the answer is the one that is waited for.
async fn call_until<T>(
    house: &House,
    mut expected: impl FnMut(&Result<i64, LedgerError>) -> Option<T>,
) -> T {
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    within(async {
        loop {
            pause.tick().await;
            if let Some(found) = expected(&house.client.balance(&context()).await) {
                break found;
            }
        }
    })
    .await
}

async fn check_restart(way: Way) {
    let mut house = House::open(way).await;
    let request = || context().with_key(CallKey::new("invoice 7"));
    let booked = house.client.book(&request(), entry()).await.expect("booked");

    house.stop().await;
    // The first call may still go into a connection that breaks.
    call_until(&house, |answer| match answer {
        Err(LedgerError::Call(CallFailure::Unavailable { .. })) => Some(()),
        Err(LedgerError::Call(CallFailure::OutcomeUnknown { .. })) => None,
        other => panic!("nobody is there: {other:?}"),
    })
    .await;

    house.start().await;
    let balance = call_until(&house, |answer| match answer {
        Ok(balance) => Some(*balance),
        Err(LedgerError::Call(CallFailure::Unavailable { .. })) => None,
        other => panic!("it is back: {other:?}"),
    });
    assert_eq!(balance.await, 5);
    // The repetition of a write from before the restart is recognised.
    assert_eq!(house.client.book(&request(), entry()).await, Ok(booked));
    assert_eq!(house.ledger.entries(), 1);
}

#[tokio::test]
async fn calls_fail_fast_while_the_callee_is_down_and_heal() {
    check_restart(Way::Http).await;
}

#[tokio::test]
async fn calls_from_a_worker_fail_fast_and_heal() {
    check_restart(Way::HttpFromWorker).await;
}

#[tokio::test]
async fn the_outcome_of_a_call_that_is_cut_off_is_unknown() {
    let mut house = House::open(Way::Http).await;
    let client = house.client.clone();
    let caller = tokio::spawn(async move { client.misbehave(&context(), Trouble::Hang).await });
    within(house.ledger.hanging.notified()).await;
    house.stop().await;
    // That it is certainly down by the time of the retry does not make the call undone.
    let failed = within(caller).await.expect("the caller lives");
    assert_eq!(failed, Err(CallFailure::outcome_unknown("ledger").into()));
}

#[tokio::test]
async fn a_program_that_is_not_trusted_is_told_so() {
    let house = House::open(Way::Http).await;
    let key = tokens::SigningKey::generate().expect("a key").into();
    let stranger = transport_to("ledger", [house.address()], key, Handle::current());
    let client = <dyn LedgerApi>::remote(stranger);
    let Err(LedgerError::Call(CallFailure::Incompatible { detail, .. })) =
        client.balance(&context()).await
    else {
        panic!("a stranger was let in");
    };
    assert!(detail.contains("token"), "{detail}");
    assert_eq!(house.ledger.calls(), 0);
}
