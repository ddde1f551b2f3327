//! Keys: how long they stand, and what becomes of those that nobody finishes.

use std::{sync::Arc, time::Duration};

use storage::{
    SystemScope,
    tables::{idempotency_keys, scheduled},
};

use crate::{
    gateways::{Mood, Moody},
    support::{Bench, check_problem, order, tenant},
};

static DAMAGE: SystemScope =
    SystemScope { name: "test.damage", why: "a test loses what ought not to be lost" };

/// After which the sweep takes a claim for lost.
const FORSAKEN: Duration = Duration::from_secs(14 + 601);

async fn claims(bench: &Bench) -> u64 {
    bench.store.system(&DAMAGE).find::<idempotency_keys::Entity>().count().await.expect("a count")
}

#[actix_web::test]
async fn an_answer_outlives_the_process_that_gave_it() {
    for (method, status) in [("pm_card_visa", 201), ("pm_card_visa_chargeDeclined", 402)] {
        let mut bench = Bench::new().await;
        let first = bench.subscribe("owner@1", "key-1", order(method)).await;
        assert_eq!(first.status, status);
        bench.restart().await;
        let again = bench.subscribe("owner@1", "key-1", order(method)).await;
        assert_eq!((again.status, again.lasting_body()), (status, first.lasting_body()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(bench.charges().len(), 1);
    }
}

#[actix_web::test]
async fn an_answer_is_kept_for_a_day() {
    let bench = Bench::new().await;
    let first = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    bench.store.clock().advance(Duration::from_secs(24 * 60 * 60 - 1));
    let again = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!((again.status, again.body), (201, first.body));
    bench.store.clock().advance(Duration::from_secs(1));
    let anew = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&anew, 409, "already-subscribed");
}

#[actix_web::test]
async fn a_charge_that_has_lost_its_completer_gets_another() {
    let bench = Bench::impatient().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    let tx = bench.store.system_write(&DAMAGE).await.expect("a transaction");
    let lost = tx.delete_many::<scheduled::Entity>().exec().await;
    assert_eq!(lost.expect("deleted"), 1);
    tx.commit().await.expect("a commit");

    bench.store.clock().advance(FORSAKEN);
    bench.deliver().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    check_problem(&shown, 404, "no-subscription");
    bench.sweep().await;
    bench.deliver().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    assert_eq!(shown.status, 200, "{shown:#?}");
    let again = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    assert_eq!((again.status, &again.body), (201, &shown.body));
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn a_charge_that_is_looked_after_is_left_alone() {
    // The provider says nothing of use, for hours.
    let moods = vec![Mood::Mute; 20];
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, moods))).await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    for _ in 0..8 {
        bench.let_it_complete().await;
        bench.store.clock().advance(FORSAKEN);
        bench.sweep().await;
        let waiting = bench.store.system(&DAMAGE).find::<scheduled::Entity>().count().await;
        assert_eq!(waiting.expect("a count"), 1, "one completer");
    }
}

#[actix_web::test]
async fn a_charge_that_an_operator_must_look_at_is_left_to_them() {
    let moods = [Mood::Mute, Mood::Confused];
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, moods))).await;
    bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    bench.let_it_complete().await;
    assert_eq!(bench.engine.backlog().await.expect("a backlog").dead, 1);
    bench.store.clock().advance(FORSAKEN);
    bench.sweep().await;
    bench.deliver().await;
    assert_eq!(bench.engine.backlog().await.expect("a backlog").dead, 1, "no second one");
}

#[actix_web::test]
async fn a_claim_without_a_charge_is_freed() {
    let bench = Bench::new().await;
    let ctx = testing::tenant_context(tenant(1));
    let tx = bench.store.write(&ctx).await.expect("a transaction");
    let lease = Duration::from_secs(14);
    let claim = tx.claim_key("POST /v1/billing/subscriptions", "key-1", "hash", lease).await;
    assert_eq!(claim.expect("a claim"), storage::Claim::New);
    tx.commit().await.expect("a commit");
    bench.store.clock().advance(FORSAKEN);
    bench.sweep().await;
    assert_eq!(claims(&bench).await, 0);
    // What was answered is not touched.
    assert_eq!(bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await.status, 201);
    bench.store.clock().advance(FORSAKEN);
    bench.sweep().await;
    assert_eq!(claims(&bench).await, 1);
}
