//! What events tell, and signatures that the library does not try.

use std::sync::Arc;

use billing_api::{ChargeChange, ProviderWebhooks, VerifiedEvent, WebhookDelivery, WebhookRefusal};
use hmac::{Hmac, Mac};
use kernel::{ManualClock, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use stripe::{NoSecret, StripeWebhooks};

use crate::support::noon;

const SECRET: &str = "whsec_1";

fn webhooks() -> StripeWebhooks {
    let clock = Arc::new(ManualClock::new(noon()));
    StripeWebhooks::new(vec![Secret::new(SECRET)], clock).expect("webhooks")
}

fn read(body: &[u8]) -> Result<VerifiedEvent, WebhookRefusal> {
    let header = signed(&noon().unix_seconds().to_string(), body);
    let headers = [("stripe-signature", header.as_bytes())];
    webhooks().verify(&WebhookDelivery { headers: &headers, body })
}

fn signed(time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={digits}")
}

fn event(kind: &str, object: Value) -> Vec<u8> {
    let event = json!({
        "id": "evt_1", "object": "event", "type": kind, "created": noon().unix_seconds(),
        "data": { "object": object },
    });
    event.to_string().into_bytes()
}

fn ours() -> Value {
    json!({ "id": "pi_1", "metadata": {
        "ashlar_operation": "billing/charge/1",
        "ashlar_tenant": "00000000-0000-0000-0000-0000000000aa",
    } })
}

#[test]
fn three_kinds_are_of_charges() {
    for (kind, change) in [
        ("payment_intent.succeeded", Some(ChargeChange::Paid)),
        ("payment_intent.payment_failed", Some(ChargeChange::Failed)),
        ("charge.refunded", Some(ChargeChange::Refunded)),
        ("payment_intent.created", None),
        ("customer.created", None),
    ] {
        let event = read(&event(kind, ours())).expect("an event");
        assert_eq!(event.charge.map(|news| news.change), change, "{kind}");
    }
}

#[test]
fn what_others_do_in_the_account_is_none_of_ours() {
    for object in [
        json!({ "id": "pi_1" }),
        json!({ "id": "pi_1", "metadata": {} }),
        json!({ "id": "pi_1", "metadata": [] }),
        json!({ "id": "pi_1", "metadata": { "ashlar_operation": "x", "ashlar_tenant": "y" } }),
        Value::Null,
    ] {
        let event = read(&event("payment_intent.succeeded", object)).expect("an event");
        assert_eq!(event.charge, None);
    }
}

#[test]
fn events_that_only_name_what_they_are_about_are_events() {
    let thin = json!({ "id": "evt_1", "object": "v2.core.event", "type": "v1.x", "created": 1 });
    assert_eq!(read(thin.to_string().as_bytes()).expect("an event").charge, None);
}

#[test]
fn what_is_signed_and_no_event_is_refused() {
    let long = json!({ "id": "x".repeat(256), "type": "a", "created": 1 }).to_string();
    let nameless = json!({ "id": "", "type": "a", "created": 1 }).to_string();
    let timeless = json!({ "id": "evt_1", "type": "a", "created": i64::MAX }).to_string();
    for body in ["", "{}", "not JSON", "\u{0}", &long, &nameless, &timeless] {
        let refusal = read(body.as_bytes()).expect_err("refused");
        assert!(matches!(refusal, WebhookRefusal::Malformed(_)), "{body}: {refusal:?}");
    }
}

#[test]
fn a_signature_that_can_be_read_in_two_ways_is_none() {
    let body = event("customer.created", Value::Null);
    let good = signed(&noon().unix_seconds().to_string(), &body);
    let many = format!("t={},{}", noon().unix_seconds(), ["v1=aa"; 17].join(","));
    for headers in [
        vec![good.as_str(), good.as_str()],
        vec![],
        vec![&format!("{good},t=1")],
        vec![&signed("+1772366400", &body)],
        vec![&many],
        vec!["t=,v1=aa"],
        vec!["t=99999999999999999999,v1=aa"],
    ] {
        let headers: Vec<_> =
            headers.iter().map(|header| ("stripe-signature", header.as_bytes())).collect();
        let delivery = WebhookDelivery { headers: &headers, body: &body };
        let refusal = webhooks().verify(&delivery).expect_err("refused");
        assert!(matches!(refusal, WebhookRefusal::Unsigned), "{headers:?}: {refusal:?}");
    }
}

#[test]
fn nothing_is_verified_with_no_secret() {
    for secrets in [vec![], vec![Secret::new("")], vec![Secret::new("whsec_1"), Secret::new(" ")]] {
        let webhooks = StripeWebhooks::new(secrets, Arc::new(ManualClock::new(noon())));
        assert_eq!(webhooks.err(), Some(NoSecret));
    }
}
