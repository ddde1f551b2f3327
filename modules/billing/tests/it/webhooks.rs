//! What a provider tells of its own accord, over HTTP and with Stripe's signatures.

use std::{sync::Arc, time::Duration};

use actix_web::test::TestRequest;
use billing_api::{InvoicePaid, PaymentFailed};
use futures_util::future::join_all;
use hmac::{Hmac, Mac};
use kernel::{Clock, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use stripe::StripeWebhooks;
use testing::tenant_context;
use uuid::Uuid;

use crate::{
    gateways::{Mood, Moody},
    support::{Answer, Bench, check_problem, order, tenant},
    tables::{LOOK, charges, webhook_events},
};

const SECRET: &str = "whsec_new";
const OLD_SECRET: &str = "whsec_old";

/// A module whose provider goes through `moods`, and then works.
async fn bench(moods: impl IntoIterator<Item = Mood>) -> Bench {
    let bench = Bench::new().await;
    let secrets = [OLD_SECRET, SECRET].map(Secret::new).to_vec();
    let clock = Arc::clone(bench.store.clock()) as Arc<dyn Clock>;
    let webhooks = Arc::new(StripeWebhooks::new(secrets, clock).expect("webhooks"));
    bench.believing(webhooks, |sandbox| Arc::new(Moody::new(sandbox, moods)))
}

impl Bench {
    /// Subscribes, and is not told what became of it; says what the provider calls the charge.
    async fn subscribe_in_vain(&self, method: &str) -> String {
        let answer = self.subscribe("owner@1", "key-1", order(method)).await;
        check_problem(&answer, 503, "payment-outcome-unknown");
        // The provider was not asked, so that it cannot tell.
        let ctx = tenant_context(tenant(1));
        let charges = self.data.read(&ctx).expect("a tenant").find::<charges::Entity>();
        let charges = charges.all().await;
        format!("billing/charge/{}", charges.expect("charges").pop().expect("a charge").id)
    }

    /// Delivers `event` as Stripe does.
    async fn hear(&self, event: &Value) -> Answer {
        let body = event.to_string();
        let signature = signed(SECRET, self.store.clock().now().unix_seconds(), &body);
        self.deliver_webhook(&signature, &body).await
    }

    async fn deliver_webhook(&self, signature: &str, body: &str) -> Answer {
        let request = TestRequest::post()
            .uri("/webhooks/stripe")
            .insert_header(("stripe-signature", signature))
            .insert_header(("content-type", "application/json; charset=utf-8"))
            .set_payload(body.to_owned());
        self.send(request).await
    }

    async fn kept(&self) -> Vec<webhook_events::Model> {
        let kept = self.data.system(&LOOK).find::<webhook_events::Entity>().all().await;
        kept.expect("events")
    }

    async fn states(&self) -> Vec<String> {
        self.kept().await.into_iter().map(|event| event.state).collect()
    }

    async fn is_subscribed(&self) -> bool {
        self.get("owner@1", "/v1/billing/subscription").await.status == 200
    }

    async fn dead(&self) -> u64 {
        self.engine.backlog().await.expect("a backlog").dead
    }
}

fn signed(secret: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("{at}.{body}").as_bytes());
    let digits = mac.finalize().into_bytes();
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={digits}")
}

fn event(id: &str, kind: &str, charge: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": 1_772_366_400, "data": { "object": {
            "id": "pi_1", "client_secret": "pi_1_secret_never_to_be_kept",
            "metadata": { "ashlar_operation": charge, "ashlar_tenant": tenant(1).to_string() },
        } },
    })
}

#[actix_web::test]
async fn an_open_order_is_resolved_by_what_the_provider_tells() {
    for (method, kind, paid) in [
        ("pm_card_visa", "payment_intent.succeeded", 1),
        ("pm_card_visa", "charge.refunded", 1),
        ("pm_card_visa_chargeDeclined", "payment_intent.payment_failed", 0),
    ] {
        let bench = bench([Mood::Mute]).await;
        let charge = bench.subscribe_in_vain(method).await;
        let answer = bench.hear(&event("evt_1", kind, &charge)).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "received": true })), "{kind}");
        assert_eq!(bench.states().await, ["received"], "answered before it is acted upon");
        assert!(!bench.is_subscribed().await);

        bench.deliver().await;
        assert_eq!(bench.states().await, ["processed"]);
        assert_eq!(bench.is_subscribed().await, paid == 1, "{kind}");
        assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), paid);
        assert_eq!(bench.bus.events::<PaymentFailed>("notifications").len(), 1 - paid);
        let again = bench.subscribe("owner@1", "key-1", order(method)).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(bench.charges().len(), 1);
        // Nobody asks the provider for it any more.
        let backlog = bench.engine.backlog().await.expect("a backlog");
        assert_eq!((backlog.scheduled, backlog.dead), (0, 0), "{backlog:?}");
    }
}

#[actix_web::test]
async fn an_event_is_acted_upon_once_however_often_it_comes() {
    let bench = bench([Mood::Mute]).await;
    let charge = bench.subscribe_in_vain("pm_card_visa").await;
    let event = event("evt_1", "payment_intent.succeeded", &charge);
    let answers = join_all((0..20).map(|_| bench.hear(&event))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:#?}");
    let backlog = bench.engine.backlog().await.expect("a backlog");
    assert_eq!(backlog.scheduled, 2, "the completer and one event: {backlog:?}");
    bench.deliver().await;
    assert_eq!(bench.hear(&event).await.status, 200);
    let backlog = bench.engine.backlog().await.expect("a backlog");
    assert_eq!(backlog.scheduled, 0, "there is nothing left to do: {backlog:?}");
    assert_eq!(bench.states().await, ["processed"]);
    assert_eq!(bench.charges().len(), 1);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
}

#[actix_web::test]
async fn what_is_about_nothing_of_ours_is_kept_and_ignored() {
    let bench = bench([]).await;
    let of_others = event("evt_3", "payment_intent.succeeded", "anothers/charge/1");
    for event in [
        event("evt_1", "customer.created", ""),
        json!({ "id": "evt_2", "type": "payout.paid", "created": 1, "data": {} }),
        of_others,
    ] {
        assert_eq!(bench.hear(&event).await.status, 200);
    }
    bench.deliver().await;
    let kept = bench.kept().await;
    let ignored =
        |event: &webhook_events::Model| event.state == "ignored" && event.tenant_id.is_none();
    assert!(kept.len() == 3 && kept.iter().all(ignored), "{kept:#?}");
    assert_eq!((kept[0].provider.as_str(), kept[0].kind.as_str()), ("stripe", "customer.created"));
}

#[actix_web::test]
async fn what_is_not_verified_is_refused_and_not_kept() {
    let bench = bench([Mood::Mute]).await;
    let charge = bench.subscribe_in_vain("pm_card_visa").await;
    let body = event("evt_1", "payment_intent.succeeded", &charge).to_string();
    let now = bench.store.clock().now().unix_seconds();
    let good = signed(SECRET, now, &body);
    for (why, signature, body) in [
        ("another body", good.as_str(), body.replace("pi_1", "pi_2").as_str()),
        ("another secret", &signed("whsec_of_somebody", now, &body), &body),
        ("no signature", "", &body),
        ("stale", &signed(SECRET, now - 301, &body), &body),
        ("for a time to come", &signed(SECRET, now + 301, &body), &body),
        ("no event", &signed(SECRET, now, "{}"), "{}"),
    ] {
        let answer = bench.deliver_webhook(signature, body).await;
        check_problem(&answer, 400, "webhook-not-verified");
        let told = answer.body["detail"].as_str();
        assert_eq!(told, None, "{why}: a stranger is told no more");
    }
    let unsigned = TestRequest::post().uri("/webhooks/stripe").set_payload(body);
    check_problem(&bench.send(unsigned).await, 400, "webhook-not-verified");
    bench.deliver().await;
    assert!(bench.kept().await.is_empty() && !bench.is_subscribed().await);
}

#[actix_web::test]
async fn five_minutes_either_way_and_either_secret_will_do() {
    let bench = bench([]).await;
    let now = bench.store.clock().now().unix_seconds();
    let rolled = |body: &str| {
        let (_, by_new) = signed(SECRET, now, body).split_once(',').map(own).expect("two parts");
        format!("{},{by_new}", signed("whsec_gone", now, body))
    };
    for (n, sign) in [
        &(|body: &str| signed(SECRET, now - 300, body)) as &dyn Fn(&str) -> String,
        &|body| signed(SECRET, now + 300, body),
        &|body| signed(OLD_SECRET, now, body),
        &rolled,
    ]
    .into_iter()
    .enumerate()
    {
        let body = event(&format!("evt_{n}"), "customer.created", "").to_string();
        let answer = bench.deliver_webhook(&sign(&body), &body).await;
        assert_eq!(answer.status, 200, "{n}: {answer:#?}");
    }
    assert_eq!(bench.kept().await.len(), 4);
}

fn own((time, rest): (&str, &str)) -> (String, String) {
    (time.to_owned(), rest.to_owned())
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_refused_unread() {
    let bench = bench([]).await;
    let body = "x".repeat(web::DEFAULT_BODY_LIMIT + 1);
    let answer = bench.deliver_webhook("t=1,v1=aa", &body).await;
    check_problem(&answer, 413, "body-too-large");
}

#[actix_web::test]
async fn what_was_answered_is_acted_upon_after_a_crash() {
    let mut bench = bench([Mood::Mute]).await;
    let charge = bench.subscribe_in_vain("pm_card_visa").await;
    let event = event("evt_1", "payment_intent.succeeded", &charge);
    assert_eq!(bench.hear(&event).await.status, 200);
    bench.restart().await;
    assert_eq!(bench.states().await, ["received"]);
    bench.deliver().await;
    assert_eq!(bench.states().await, ["processed"]);
    assert!(bench.is_subscribed().await);
    assert_eq!(bench.charges().len(), 1);
    // The provider may not have heard the answer.
    assert_eq!(bench.hear(&event).await.status, 200);
}

#[actix_web::test]
async fn it_asks_until_the_provider_answers() {
    let bench = bench([Mood::Mute, Mood::Away, Mood::Mute]).await;
    let charge = bench.subscribe_in_vain("pm_card_visa").await;
    bench.hear(&event("evt_1", "payment_intent.succeeded", &charge)).await;
    bench.deliver().await;
    assert_eq!(bench.states().await, ["received"]);
    for _ in 0..3 {
        // Longer than any wait between two attempts.
        bench.store.clock().advance(Duration::from_secs(900));
        bench.deliver().await;
    }
    assert_eq!(bench.states().await, ["processed"]);
    assert!(bench.is_subscribed().await);
    assert_eq!(bench.charges().len(), 1);
}

#[actix_web::test]
async fn what_was_settled_before_stays_as_it_is() {
    let bench = bench([]).await;
    let subscribed = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    assert_eq!(subscribed.status, 201, "{subscribed:#?}");
    let charge = bench.charges()[0].key.clone();
    for (id, kind) in [
        ("evt_1", "payment_intent.succeeded"),
        // An attempt that failed before the one that went well.
        ("evt_2", "payment_intent.payment_failed"),
        ("evt_3", "charge.refunded"),
    ] {
        bench.hear(&event(id, kind, &charge)).await;
    }
    bench.deliver().await;
    assert_eq!(bench.states().await, ["processed", "processed", "processed"]);
    assert!(bench.is_subscribed().await);
    assert_eq!(bench.bus.events::<InvoicePaid>("notifications").len(), 1);
}

#[actix_web::test]
async fn money_that_nobody_knows_of_is_left_to_a_person() {
    let bench = bench([]).await;
    let declined = order("pm_card_visa_chargeDeclined");
    let answer = bench.subscribe("owner@1", "key-1", declined).await;
    check_problem(&answer, 402, "payment-declined");
    let declined = bench.charges()[0].key.clone();
    let unknown = format!("billing/charge/{}", Uuid::from_u128(7));
    bench.hear(&event("evt_1", "payment_intent.succeeded", &declined)).await;
    bench.hear(&event("evt_2", "payment_intent.succeeded", &unknown)).await;
    // That an unknown one failed is nothing to look at.
    bench.hear(&event("evt_3", "payment_intent.payment_failed", &unknown)).await;
    bench.deliver().await;
    assert_eq!(bench.states().await, ["received", "received", "processed"]);
    assert_eq!(bench.dead().await, 2);
    assert!(!bench.is_subscribed().await);
}

/// Its metadata may name any tenant: what is signed is believed, and finds that tenant's alone.
#[actix_web::test]
async fn a_charge_is_looked_for_in_its_own_tenant() {
    let bench = bench([Mood::Mute]).await;
    let charge = bench.subscribe_in_vain("pm_card_visa").await;
    let mut event = event("evt_1", "payment_intent.succeeded", &charge);
    event["data"]["object"]["metadata"]["ashlar_tenant"] = json!(tenant(2).to_string());
    bench.hear(&event).await;
    bench.deliver().await;
    assert!(!bench.is_subscribed().await);
    assert_eq!(bench.dead().await, 1);
}

#[actix_web::test]
async fn events_that_were_done_with_long_ago_are_forgotten() {
    let bench = bench([]).await;
    let unknown = format!("billing/charge/{}", Uuid::from_u128(7));
    bench.hear(&event("evt_1", "customer.created", "")).await;
    bench.hear(&event("evt_2", "payment_intent.payment_failed", &unknown)).await;
    bench.hear(&event("evt_3", "payment_intent.succeeded", &unknown)).await;
    bench.deliver().await;
    bench.store.clock().advance(Duration::from_secs(89 * 86_400));
    bench.sweep().await;
    assert_eq!(bench.kept().await.len(), 3);
    bench.store.clock().advance(Duration::from_secs(2 * 86_400));
    bench.sweep().await;
    let kept: Vec<_> = bench.kept().await.into_iter().map(|event| event.event_id).collect();
    assert_eq!(kept, ["evt_3"], "what waits for a person stays");
}

#[actix_web::test]
async fn there_is_no_such_route_without_a_provider_that_tells() {
    let bench = Bench::new().await;
    let answer = bench.deliver_webhook("t=1,v1=aa", "{}").await;
    check_problem(&answer, 404, "not-found");
}

#[actix_web::test]
async fn the_route_is_described() {
    let bench = bench([]).await;
    let document = serde_json::to_value(web::openapi(bench.routes())).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operation = &paths["/webhooks/stripe"]["post"];
    assert!(operation["responses"]["400"].is_object(), "{operation:#}");
    assert!(operation.get("security").is_none(), "a provider has no token of ours");
    let answer = bench.send(TestRequest::get().uri("/webhooks/stripe")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}
