//! What was cut off is finished, once.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use billing_api::{InvoicePaid, PaymentFailed, SubscriptionStarted};
use futures_util::future::join;

use crate::{
    gateways::{FirstAnswer, Mood, Moody, WithholdsTheFirstAnswer},
    support::{Bench, check_problem, order},
};

#[actix_web::test]
async fn what_a_crash_cut_off_between_charge_and_commit_is_finished() {
    let gateway = OnceLock::new();
    let mut bench = withholding(&gateway, FirstAnswer::True).await;
    let gateway = gateway.get().expect("the bench was built");
    tokio::select! {
        answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")) => {
            panic!("answered: {answer:#?}")
        }
        // From here on nobody holds the request any more.
        () = gateway.taken.notified() => {}
    }
    assert_eq!(bench.charges().len(), 1);
    bench.restart().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    check_problem(&shown, 404, "no-subscription");

    bench.let_it_complete().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    assert_eq!(shown.status, 200, "{shown:#?}");
    let again = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!((again.status, &again.body), (201, &shown.body));
    let invoices = bench.get("owner@1", "/v1/billing/invoices").await;
    assert_eq!(invoices.body["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(bench.charges().len(), 1, "one charge");
}

#[actix_web::test]
async fn an_answer_that_comes_after_the_completer_changes_nothing() {
    let gateway = OnceLock::new();
    let bench = withholding(&gateway, FirstAnswer::True).await;
    let gateway = gateway.get().expect("the bench was built");
    let meanwhile = async {
        gateway.taken.notified().await;
        bench.let_it_complete().await;
        gateway.speak.notify_one();
    };
    let request = bench.subscribe("owner@1", "key-1", order("pm_card_visa"));
    let (answer, ()) = join(request, meanwhile).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    bench.deliver().await;
    assert_eq!(bench.charges().len(), 1);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
    assert_eq!(bench.bus.events::<SubscriptionStarted>("notifications").len(), 1);
}

/// Money that was taken must not be left without a record, whatever the first answer says once the
/// completer has heard that it was taken.
#[actix_web::test]
async fn a_denial_that_comes_after_the_completer_undoes_nothing() {
    let gateway = OnceLock::new();
    let bench = withholding(&gateway, FirstAnswer::Denial).await;
    let gateway = gateway.get().expect("the bench was built");
    let meanwhile = async {
        gateway.taken.notified().await;
        bench.let_it_complete().await;
        gateway.speak.notify_one();
    };
    let request = bench.subscribe("owner@1", "key-1", order("pm_card_visa"));
    let (answer, ()) = join(request, meanwhile).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    let again = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(again.status, 201, "{again:#?}");
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn an_unknown_outcome_is_found_out() {
    let bench = Bench::impatient().await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    bench.let_it_complete().await;
    let again = bench.subscribe("owner@1", "key-1", order("pm_sandbox_hangs")).await;
    assert_eq!(again.status, 201, "{again:#?}");
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn a_decline_that_was_not_heard_is_found_out() {
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, [Mood::Mute]))).await;
    let order = || order("pm_card_visa_chargeDeclinedExpiredCard");
    let answer = bench.subscribe("owner@1", "key-1", order()).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    bench.let_it_complete().await;
    let again = bench.subscribe("owner@1", "key-1", order()).await;
    check_problem(&again, 402, "payment-declined");
    assert_eq!(again.body["decline_code"], "expired_card");
    assert_eq!(bench.bus.events::<PaymentFailed>("notifications").len(), 1);
}

#[actix_web::test]
async fn it_asks_for_as_long_as_the_provider_is_away() {
    let moods = [Mood::Mute, Mood::Away, Mood::Mute, Mood::Away];
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, moods))).await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    for _ in 0..3 {
        bench.let_it_complete().await;
        let shown = bench.get("owner@1", "/v1/billing/subscription").await;
        check_problem(&shown, 404, "no-subscription");
        bench.store.clock().advance(Duration::from_secs(3_600));
    }
    bench.deliver().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    assert_eq!(shown.status, 200, "{shown:#?}");
    assert_eq!(bench.charges().len(), 1);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
}

#[actix_web::test]
async fn a_provider_that_breaks_its_word_is_left_to_a_person() {
    let moods = [Mood::Mute, Mood::Confused];
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, moods))).await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    bench.let_it_complete().await;
    let backlog = bench.engine.backlog().await.expect("a backlog");
    assert_eq!(backlog.dead, 1, "{backlog:?}");
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    check_problem(&shown, 404, "no-subscription");
}

#[actix_web::test]
async fn what_was_answered_is_not_asked_for_again() {
    for (key, method) in [("key-1", "pm_card_visa_chargeDeclined"), ("key-2", "pm_card_visa")] {
        let bench = Bench::new().await;
        bench.subscribe("owner@1", key, order(method)).await;
        let backlog = bench.engine.backlog().await.expect("a backlog");
        assert_eq!(backlog.scheduled, 0, "{method}: {backlog:?}");
    }
}

async fn withholding(
    gateway: &OnceLock<Arc<WithholdsTheFirstAnswer>>,
    answer: FirstAnswer,
) -> Bench {
    Bench::with_gateway(|sandbox| {
        let withholding = || Arc::new(WithholdsTheFirstAnswer::new(sandbox, answer));
        Arc::clone(gateway.get_or_init(withholding)) as _
    })
    .await
}
