//! Requests that come again under their key.

use std::sync::{Arc, OnceLock};

use billing_api::{InvoicePaid, PaymentFailed};
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::{
    gateways::{Gated, Mood, Moody},
    support::{Bench, CUT_OFF, check_problem, order},
};

#[actix_web::test]
async fn a_repeated_request_gets_the_first_answer() {
    for (method, status) in [("pm_card_visa", 201), ("pm_card_visa_chargeDeclined", 402)] {
        let bench = Bench::new().await;
        let first = bench.subscribe("owner@1", "key-1", order(method)).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (status, None));
        for _ in 0..2 {
            let again = bench.subscribe("owner@1", "key-1", order(method)).await;
            assert_eq!(again.status, first.status);
            assert_eq!(again.lasting_body(), first.lasting_body());
            assert_eq!(again.header("content-type"), first.header("content-type"));
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        assert_eq!(bench.charges().len(), 1);
    }
}

#[actix_web::test]
async fn another_body_under_a_key_is_refused() {
    let bench = Bench::new().await;
    assert_eq!(bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await.status, 201);
    let mut other = order("pm_card_visa");
    other["quantity"] = json!(4);
    let answer = bench.subscribe("owner@1", "key-1", other).await;
    check_problem(&answer, 422, "idempotency-key-reused");
    // The same key of another tenant is another key.
    let mut other = order("pm_card_visa");
    other["quantity"] = json!(4);
    assert_eq!(bench.subscribe("owner@2", "key-1", other).await.status, 201);
}

#[actix_web::test]
async fn a_request_at_work_is_409() {
    let gated = OnceLock::new();
    let gateway = |sandbox| Arc::clone(gated.get_or_init(|| Arc::new(Gated::new(sandbox)))) as _;
    let bench = Bench::with_gateway(gateway).await;
    let gated = gated.get().expect("the bench was built");
    let first = bench.subscribe("owner@1", "key-1", order("pm_card_visa"));
    let meanwhile = async {
        gated.arrived.notified().await;
        let again = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
        check_problem(&again, 409, "idempotency-key-in-use");
        assert!(again.header("retry-after").is_some());
        let second = bench.subscribe("owner@1", "key-2", order("pm_card_visa")).await;
        check_problem(&second, 409, "already-subscribed");
        assert!(second.header("retry-after").is_some());
        let shown = bench.get("owner@1", "/v1/billing/subscription").await;
        check_problem(&shown, 404, "no-subscription");
        let invoices = bench.get("owner@1", "/v1/billing/invoices").await;
        assert_eq!(invoices.body, json!({ "items": [] }), "a draft is nobody's to see");
        gated.gate.add_permits(1);
    };
    let (first, ()) = join(first, meanwhile).await;
    assert_eq!(first.status, 201, "{first:#?}");
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn a_hundred_requests_under_one_key_are_one_charge() {
    let bench = Bench::new().await;
    let send = |_| bench.subscribe("owner@1", "key-1", order("pm_card_visa"));
    let answers = join_all((0..100).map(send)).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!created.is_empty());
    assert!(created.iter().all(|answer| answer.body == created[0].body));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        check_problem(answer, 409, "idempotency-key-in-use");
    }
    bench.deliver().await;
    assert_eq!(bench.charges().len(), 1);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
}

#[actix_web::test]
async fn a_hundred_requests_under_as_many_keys_are_one_subscription() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..100).map(|n| format!("key-{n}")).collect();
    let send = |key: &String| {
        let key = key.clone();
        let bench = &bench;
        async move { bench.subscribe("owner@1", &key, order("pm_card_visa")).await }
    };
    let answers = join_all(keys.iter().map(send)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        check_problem(answer, 409, "already-subscribed");
    }
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn a_provider_out_of_reach_leaves_nothing_behind() {
    let bench = Bench::new().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_sandbox_unreachable")).await;
    check_problem(&answer, 503, "payment-provider-unavailable");
    assert!(answer.header("retry-after").is_some());
    // The key is free, for another body too, and nobody asks the provider again.
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    bench.let_it_complete().await;
    assert_eq!(bench.charges().len(), 1);
    assert!(bench.bus.events::<PaymentFailed>("notifications").is_empty());
}

#[actix_web::test]
async fn who_comes_back_after_an_unknown_outcome_finishes_it() {
    let bench = Bench::impatient().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    assert!(answer.header("retry-after").is_some());
    let too_soon = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    check_problem(&too_soon, 409, "idempotency-key-in-use");

    bench.store.clock().advance(CUT_OFF);
    let answer = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    bench.deliver().await;
    assert_eq!(bench.charges().len(), 1);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
}

#[actix_web::test]
async fn unreachable_the_second_time_undoes_nothing() {
    // The first time of asking may have taken the money: that the provider is away now says
    // nothing of it.
    let moods = [Mood::Mute, Mood::Away];
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, moods))).await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    bench.store.clock().advance(CUT_OFF);
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    bench.let_it_complete().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    assert_eq!(bench.charges().len(), 1);
}
