//! Many at once. On an engine with several writers these really meet.

use std::{collections::BTreeSet, time::Duration};

use billing_api::{BillingError, SeatRequest};
use futures_util::future::{join, join_all};
use kernel::{CallContext, CallKey};
use serde_json::{Value, json};
use testing::tenant_context;

use crate::support::{Bench, check_problem, order, tenant};

const USAGE: &str = "/v1/billing/usage-events";

async fn reserve(bench: &Bench, ctx: CallContext, holder: String) -> Result<u32, BillingError> {
    let seat = bench.api().reserve_seat(&ctx, SeatRequest { holder }).await?;
    Ok(seat.usage.used)
}

fn order_of(quantity: u32) -> Value {
    let mut order = order("pm_card_visa");
    order["quantity"] = json!(quantity);
    order
}

async fn seats_used(bench: &Bench) -> u64 {
    let entitlements = bench.get("owner@1", "/v1/billing/entitlements").await;
    entitlements.body["seats"]["used"].as_u64().expect("a count")
}

#[actix_web::test]
async fn fifty_who_want_one_of_five_seats_get_five() {
    let bench = Bench::new().await;
    assert_eq!(bench.subscribe("owner@1", "k", order_of(5)).await.status, 201);
    let wanted = (0..50).map(|n| reserve(&bench, tenant_context(tenant(1)), format!("user:{n}")));
    let (granted, refused): (Vec<_>, Vec<_>) =
        join_all(wanted).await.into_iter().partition(Result::is_ok);
    let counts: BTreeSet<u32> = granted.into_iter().map(|count| count.expect("granted")).collect();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5], "each counted once");
    assert_eq!(refused, vec![Err(BillingError::NoFreeSeat { limit: 5 }); 45]);
    assert_eq!(seats_used(&bench).await, 5);
}

/// The very first work of a tenant makes its account, whoever comes first.
#[actix_web::test]
async fn a_call_that_arrives_many_times_at_once_is_done_once() {
    let bench = Bench::new().await;
    // A context of its own for each: of one, every call has a key of its own.
    let under_one_key = || tenant_context(tenant(1)).with_key(CallKey::new("invitation:1"));
    let calls = (0..30).map(|_| reserve(&bench, under_one_key(), "invitation:1".to_owned()));
    for outcome in join_all(calls).await {
        assert_eq!(outcome, Ok(1));
    }
    assert_eq!(seats_used(&bench).await, 1);
}

#[actix_web::test]
async fn no_subscription_begins_with_fewer_seats_than_are_taken() {
    for round in 0..5 {
        let bench = Bench::new().await;
        let wanted =
            (0..4).map(|n| reserve(&bench, tenant_context(tenant(1)), format!("user:{n}")));
        let subscribe = bench.subscribe("owner@1", "k", order_of(1));
        let (answer, _) = join(subscribe, join_all(wanted)).await;
        let used = seats_used(&bench).await;
        match answer.status {
            201 => assert!(used <= 1, "round {round}: {used} seats on a subscription of one"),
            422 => assert!(used > 1, "round {round}: {answer:#?}"),
            _ => panic!("round {round}: {answer:#?}"),
        }
    }
}

fn event(id: u32) -> Value {
    json!({ "id": format!("e{id}"), "meter": "api_calls", "quantity": 1, "at": "2026-03-01T00:00:00Z" })
}

async fn total(bench: &Bench) -> i64 {
    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    usage.body["items"][0]["quantity"].as_i64().expect("a total")
}

#[actix_web::test]
async fn batches_that_overlap_count_each_event_once() {
    let bench = Bench::new().await;
    // Twenty batches of ten, each but the first with five events of the one before.
    let batches = (0..20).map(|n| {
        let batch: Vec<Value> = (n * 5..n * 5 + 10).map(event).collect();
        bench.post("owner@1", USAGE, json!(batch))
    });
    let answers = join_all(batches).await;
    let sum = |member: &str| -> i64 {
        answers.iter().map(|answer| answer.body[member].as_i64().expect("a count")).sum()
    };
    assert_eq!((sum("counted"), sum("repeated")), (105, 95));
    assert_eq!(total(&bench).await, 105);
}

#[actix_web::test]
async fn a_hundred_batches_under_one_key_have_one_answer() {
    let bench = Bench::new().await;
    let batch = json!([event(1), event(2)]);
    let answers =
        join_all((0..100).map(|_| bench.post_keyed("owner@1", USAGE, "k", batch.clone()))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &json!({ "counted": 2, "repeated": 0 })));
    }
    let first = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none());
    assert_eq!(first.count(), 1);
    assert_eq!(total(&bench).await, 2);
}

#[actix_web::test]
async fn a_key_of_usage_is_bound_to_its_batch_for_a_day() {
    let bench = Bench::new().await;
    let send = |key: &'static str, body| bench.post_keyed("owner@1", USAGE, key, body);
    // A failure before anything is meant stores nothing.
    let unknown = json!([{
        "id": "a", "meter": "coffee", "quantity": 1, "at": "2026-03-01T00:00:00Z",
    }]);
    check_problem(&send("k", unknown).await, 422, "unknown-meter");
    assert_eq!(send("k", json!([event(1)])).await.body["counted"], 1);
    check_problem(&send("k", json!([event(2)])).await, 422, "idempotency-key-reused");
    // Keys are apart by route and by tenant.
    assert_eq!(bench.subscribe("owner@1", "k", order("pm_card_visa")).await.status, 201);
    let foreign = bench.post_keyed("owner@2", USAGE, "k", json!([event(2)])).await;
    assert_eq!(foreign.body["counted"], 1);

    bench.store.clock().advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(send("k", json!([event(1)])).await.body, json!({ "counted": 1, "repeated": 0 }));
    bench.store.clock().advance(Duration::from_secs(1));
    assert_eq!(send("k", json!([event(1)])).await.body, json!({ "counted": 0, "repeated": 1 }));
}
