//! The payment provider tells what it did.

use async_trait::async_trait;
use hmac::{Hmac, Mac as _};
use hyper::header::HeaderName;
use serde_json::json;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

const WEBHOOK: &str = "POST /webhooks/stripe";
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// An event of Stripe's about nothing of ours, signed as Stripe signs: it is verified and stored.
pub(super) struct Webhooks;

#[async_trait]
impl Scenario for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn about(&self) -> &'static str {
        "The payment provider sends a signed event; needs `--webhook-secret`, and a system that is \
         told the same."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        WEBHOOK
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn fits(&self, stage: &Stage) -> Result<(), String> {
        let Some(secret) = &stage.webhook_secret else {
            return Err("webhooks were left out, as there is no secret to sign them with (--webhook-secret)".to_owned());
        };
        let event = signed(secret, &format!("{}-first", stage.mark));
        match stage.client.send(&event).await.outcome {
            Ok(_) => Ok(()),
            Err(failure) => Err(format!(
                "webhooks were left out, as {WEBHOOK} answered the first with {}: the system has \
                 no Stripe, or another secret",
                failure.name()
            )),
        }
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let secret = stage.webhook_secret.as_ref().ok_or(Ended::Stuck("no secret"))?;
        visit.send(signed(secret, visit.name())).await?;
        Ok(())
    }
}

/// An event with the id `evt_…` (<https://docs.stripe.com/webhooks#verify-manually>).
fn signed(secret: &str, name: &str) -> Request {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let body = json!({
        "id": format!("evt_{name}"), "object": "event", "type": "payment_intent.succeeded",
        "created": now, "data": { "object": { "id": format!("pi_{name}"), "metadata": {} } },
    })
    .to_string();
    let signature = format!("t={now},v1={}", hex_hmac(secret, &format!("{now}.{body}")));
    Request::to(WEBHOOK).header(SIGNATURE, &signature).raw(body)
}

fn hex_hmac(secret: &str, text: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second of the test vectors in RFC 4231.
    #[test]
    fn signs_as_the_rfc_says() {
        assert_eq!(
            hex_hmac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
