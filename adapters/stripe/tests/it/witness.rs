//! The verdicts on signatures against those of Stripe's own library: see `tests/witness/`.

use std::sync::Arc;

use billing_api::{ChargeChange, ProviderWebhooks, VerifiedEvent, WebhookDelivery, WebhookRefusal};
use kernel::{ManualClock, Secret, Timestamp};
use serde::Deserialize;
use stripe::StripeWebhooks;
use time::OffsetDateTime;

/// Deliveries that the library believes and we do not: what was signed for a time to come could be
/// kept and sent then.
const STRICTER: [&str; 2] = ["301_seconds_ahead", "an_hour_ahead"];

#[derive(Deserialize)]
struct Witness {
    now: i64,
    secret: String,
    old_secret: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    body: String,
    header: String,
    with_the_new_secret: Verdict,
    with_both_secrets: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Accepted,
    Refused,
}

impl Witness {
    fn heard() -> Self {
        serde_json::from_str(include_str!("../witness/signatures.json")).expect("a witness")
    }

    fn webhooks(&self, secrets: &[&str]) -> StripeWebhooks {
        let now = OffsetDateTime::from_unix_timestamp(self.now).expect("a time");
        let clock = Arc::new(ManualClock::new(Timestamp::new(now)));
        let secrets = secrets.iter().copied().map(Secret::new).collect();
        StripeWebhooks::new(secrets, clock).expect("webhooks")
    }
}

fn verify(webhooks: &StripeWebhooks, vector: &Vector) -> Result<VerifiedEvent, WebhookRefusal> {
    let headers = [("stripe-signature", vector.header.as_bytes())];
    webhooks.verify(&WebhookDelivery { headers: &headers, body: vector.body.as_bytes() })
}

#[test]
fn our_verdicts_are_the_librarys() {
    let witness = Witness::heard();
    let new = witness.webhooks(&[&witness.secret]);
    let both = witness.webhooks(&[&witness.old_secret, &witness.secret]);
    for vector in &witness.vectors {
        for (webhooks, theirs) in
            [(&new, vector.with_the_new_secret), (&both, vector.with_both_secrets)]
        {
            let ours = match verify(webhooks, vector) {
                Ok(_) => Verdict::Accepted,
                Err(_) => Verdict::Refused,
            };
            let name = vector.name.as_str();
            if STRICTER.contains(&name) {
                assert_eq!((ours, theirs), (Verdict::Refused, Verdict::Accepted), "{name}");
            } else {
                assert_eq!(ours, theirs, "{name}");
            }
        }
    }
}

#[test]
fn what_is_believed_is_read() {
    let witness = Witness::heard();
    let webhooks = witness.webhooks(&[&witness.secret]);
    let sent = witness.vectors.iter().find(|vector| vector.name == "as_stripe_sends_it");
    let event = verify(&webhooks, sent.expect("a delivery")).expect("an event");
    assert_eq!(
        (event.id.as_str(), event.kind.as_str()),
        ("evt_1Witness", "payment_intent.succeeded")
    );
    assert_eq!(event.occurred_at.unix_seconds(), witness.now - 2);
    let news = event.charge.expect("one of ours");
    assert_eq!(news.change, ChargeChange::Paid);
    assert_eq!(news.key.as_str(), "billing/charge/0190a000-0000-7000-8000-000000000001");
    assert_eq!(news.tenant.to_string(), "0190a000-0000-7000-8000-0000000000aa");
}

#[test]
fn a_refusal_says_why() {
    let witness = Witness::heard();
    let webhooks = witness.webhooks(&[&witness.secret]);
    let refusal = |name: &str| {
        let vector = witness.vectors.iter().find(|vector| vector.name == name);
        verify(&webhooks, vector.expect("a delivery")).expect_err("refused")
    };
    assert!(matches!(refusal("no_time"), WebhookRefusal::Unsigned));
    assert!(matches!(refusal("another_body"), WebhookRefusal::WrongSignature));
    for (name, off) in [("an_hour_ago", 3_600), ("an_hour_ahead", 3_600), ("301_seconds_ago", 301)]
    {
        let WebhookRefusal::OutOfTime { seconds } = refusal(name) else { panic!("{name}") };
        assert_eq!(seconds, off, "{name}");
    }
}
