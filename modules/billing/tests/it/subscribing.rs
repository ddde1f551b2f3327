//! The first time a request to subscribe comes.

use actix_web::test::TestRequest;
use billing_api::{InvoicePaid, PaymentFailed, SubscriptionStarted};
use insta::assert_json_snapshot;
use kernel::{Currency, Money};
use serde_json::{Value, json};

use crate::support::{Bench, check_problem, order};

#[actix_web::test]
async fn the_price_list_is_open_to_everybody() {
    let bench = Bench::new().await;
    let answer = bench.send(TestRequest::get().uri("/v1/billing/plans")).await;
    assert_eq!(answer.status, 200);
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn a_paid_subscription_is_in_force_and_invoiced() {
    let bench = Bench::new().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    assert_json_snapshot!("subscribed", answer.body);

    let shown = bench.get("admin@1", "/v1/billing/subscription").await;
    assert_eq!((shown.status, &shown.body), (200, &answer.body));
    let charges = bench.charges();
    assert_eq!(charges.len(), 1);
    assert_eq!(charges[0].amount, Money::new(3_600, Currency::EUR));
    assert!(charges[0].reference.is_some());

    bench.deliver().await;
    let started = bench.bus.events::<SubscriptionStarted>("notifications");
    assert_eq!((started.len(), started[0].plan.as_str(), started[0].quantity), (1, "team", 3));
    let paid = bench.bus.events::<InvoicePaid>("notifications");
    assert_eq!((paid.len(), paid[0].total), (1, Money::new(3_600, Currency::EUR)));
}

#[actix_web::test]
async fn a_declined_card_is_402_and_no_subscription() {
    for (n, (method, code)) in [
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_of_nobody", "unknown_payment_method"),
    ]
    .into_iter()
    .enumerate()
    {
        let bench = Bench::new().await;
        let answer = bench.subscribe("owner@1", "key-1", order(method)).await;
        check_problem(&answer, 402, "payment-declined");
        assert_eq!(answer.body["decline_code"], code);
        if n == 0 {
            assert_json_snapshot!("declined", answer.body);
        }
        let shown = bench.get("owner@1", "/v1/billing/subscription").await;
        check_problem(&shown, 404, "no-subscription");
        let invoices = bench.get("owner@1", "/v1/billing/invoices").await;
        assert_eq!(invoices.body, json!({ "items": [] }));

        bench.deliver().await;
        let failed = bench.bus.events::<PaymentFailed>("notifications");
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].amount, Money::new(3_600, Currency::EUR));
        assert!(bench.bus.events::<SubscriptionStarted>("notifications").is_empty());
    }
}

#[actix_web::test]
async fn after_a_declined_card_another_one_may_pay() {
    let bench = Bench::new().await;
    let declined = bench.subscribe("owner@1", "key-1", order("pm_card_visa_chargeDeclined")).await;
    assert_eq!(declined.status, 402);
    let paid = bench.subscribe("owner@1", "key-2", order("pm_card_visa")).await;
    assert_eq!(paid.status, 201, "{paid:#?}");
    let invoices = bench.get("owner@1", "/v1/billing/invoices").await;
    let invoices = invoices.body["items"].as_array().expect("invoices");
    assert_eq!(invoices.len(), 1);
    let number = invoices[0]["number"].as_str().expect("a number");
    assert!(number.ends_with("-00001"), "a declined charge takes no number: {number}");
}

#[actix_web::test]
async fn a_tenant_has_one_subscription() {
    let bench = Bench::new().await;
    assert_eq!(bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await.status, 201);
    let second = bench.subscribe("owner@1", "key-2", order("pm_card_visa")).await;
    check_problem(&second, 409, "already-subscribed");
    let other_tenant = bench.subscribe("owner@2", "key-1", order("pm_card_visa")).await;
    assert_eq!(other_tenant.status, 201);
    assert_eq!(bench.charges().len(), 2);
}

#[actix_web::test]
async fn what_the_price_list_does_not_have_is_422() {
    let bench = Bench::new().await;
    let change = |member: &str, value: Value| {
        let mut order = order("pm_card_visa");
        order[member] = value;
        order
    };
    for (body, slug) in [
        (change("price_id", json!("free")), "unknown-price"),
        (change("price_id", json!("team_weekly_eur")), "unknown-price"),
        (change("quantity", json!(0)), "invalid-body"),
        (change("quantity", json!(51)), "invalid-body"),
        (change("quantity", json!(-1)), "invalid-body"),
        (change("quantity", json!("3")), "invalid-body"),
        (change("payment_method", json!("")), "invalid-body"),
        (change("payment_method", json!("pm card")), "invalid-body"),
        (change("coupon", json!("XMAS")), "invalid-body"),
        (json!({}), "invalid-body"),
        (json!([]), "invalid-body"),
    ] {
        let answer = bench.subscribe("owner@1", "key-1", body.clone()).await;
        assert_eq!((answer.status, answer.slug()), (422, slug), "{body}: {answer:#?}");
    }
    assert!(bench.charges().is_empty());
    // Nothing was stored for any of them: the key is free.
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
}

#[actix_web::test]
async fn a_refusal_of_the_quantity_tells_the_limits() {
    let bench = Bench::new().await;
    let mut order = order("pm_card_visa");
    order["quantity"] = json!(51);
    let answer = bench.subscribe("owner@1", "key-1", order).await;
    assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn seats_that_are_taken_must_be_paid_for() {
    let bench = Bench::new().await;
    let billing = bench.api();
    for holder in ["a", "b"] {
        let ctx = testing::tenant_context(crate::support::tenant(1));
        let request = billing_api::SeatRequest { holder: holder.to_owned() };
        billing.reserve_seat(&ctx, request).await.expect("a seat");
    }
    let mut one_seat = order("pm_card_visa");
    one_seat["quantity"] = json!(1);
    let answer = bench.subscribe("owner@1", "key-1", one_seat).await;
    check_problem(&answer, 422, "invalid-body");
    assert_eq!(answer.body["seats_used"], 2);
}

#[actix_web::test]
async fn while_one_seat_waits_to_be_paid_for_no_second_one_is_taken() {
    let bench = Bench::impatient().await;
    let reserve = |holder: &str| {
        let ctx = testing::tenant_context(crate::support::tenant(1));
        let request = billing_api::SeatRequest { holder: holder.to_owned() };
        let billing = bench.api();
        async move { billing.reserve_seat(&ctx, request).await }
    };
    reserve("a").await.expect("a seat");
    let mut one_seat = order("pm_sandbox_hangs");
    one_seat["quantity"] = json!(1);
    let answer = bench.subscribe("owner@1", "key-1", one_seat).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    assert_eq!(reserve("b").await, Err(billing_api::BillingError::NoFreeSeat { limit: 1 }));
}

#[actix_web::test]
async fn only_admins_and_owners_see_and_change_billing() {
    let bench = Bench::new().await;
    let answer = bench.subscribe("member@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 403, "forbidden");
    for path in ["subscription", "invoices", "usage"] {
        let answer = bench.get("member@1", &format!("/v1/billing/{path}")).await;
        check_problem(&answer, 403, "forbidden");
    }
    let events =
        json!([{ "id": "a", "meter": "api_calls", "quantity": 1, "at": "2026-03-01T12:00:00Z" }]);
    let answer = bench.post("member@1", "/v1/billing/usage-events", events).await;
    check_problem(&answer, 403, "forbidden");
    assert!(bench.charges().is_empty());
}

#[actix_web::test]
async fn nobody_does_anything_without_a_token() {
    let bench = Bench::new().await;
    for path in ["subscription", "invoices", "usage", "entitlements"] {
        let request = TestRequest::get().uri(&format!("/v1/billing/{path}"));
        check_problem(&bench.send(request).await, 401, "unauthenticated");
    }
}

#[actix_web::test]
async fn a_key_is_needed() {
    let bench = Bench::new().await;
    let answer = bench.post("owner@1", "/v1/billing/subscriptions", order("pm_card_visa")).await;
    check_problem(&answer, 400, "idempotency-key-missing");
    let answer = bench.subscribe("owner@1", &"k".repeat(256), order("pm_card_visa")).await;
    check_problem(&answer, 400, "idempotency-key-invalid");
    assert!(bench.charges().is_empty());
}
