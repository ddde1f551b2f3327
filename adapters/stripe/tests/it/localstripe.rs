//! The adapter against an independent, stateful stand-in for Stripe: see `tests/peer/`.

use std::{sync::Arc, time::Duration};

use billing_api::{
    ChargeChange, ChargeOutcome, ChargeRequest, DeclineReason, PaymentGateway, ProviderWebhooks,
    WebhookDelivery,
    testing::{ContractMethods, RefundRules, payment_gateway_contract},
};
use kernel::{CallKey, Clock, Secret, SystemClock, TenantId};
use stripe::{StripeGateway, StripeWebhooks};
use tokio::sync::mpsc;
use uuid::Uuid;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::support::{SECRET_KEY, charge, gateway};

fn peer() -> String {
    std::env::var("ASHLAR_TEST_LOCALSTRIPE").expect(
        "a stand-in for Stripe: run `adapters/stripe/tests/peer/run.sh target/peers/localstripe \
         18420` and set ASHLAR_TEST_LOCALSTRIPE=http://127.0.0.1:18420",
    )
}

fn at_peer() -> StripeGateway {
    gateway(&peer(), Arc::new(SystemClock))
}

/// A charge of our own, without a customer: that one is the mock server's.
fn fresh(method: &str) -> ChargeRequest {
    let id = Uuid::now_v7();
    ChargeRequest {
        key: CallKey::new(format!("billing/charge/{id}")),
        tenant: TenantId(id),
        customer: None,
        payment_method: Secret::new(method),
        begun_at: SystemClock.now(),
        ..charge()
    }
}

#[tokio::test]
async fn keeps_the_contract_of_payments() {
    let methods = ContractMethods {
        pays: Secret::new("pm_card_visa"),
        declines: vec![(Secret::new("pm_card_chargeCustomerFail"), DeclineReason::Generic)],
        hangs: None,
        unreachable: None,
        refunds: RefundRules::Lax,
    };
    payment_gateway_contract(&at_peer(), &methods).await;
}

#[tokio::test]
async fn a_forgotten_key_does_not_charge_twice() {
    let request = fresh("pm_card_visa");
    let first = at_peer().charge(request.clone()).await.expect("an outcome");
    let forget = format!("{}/_keys?key={}", peer(), request.key);
    let client = stripe::client().expect("a client");
    let forgotten = client.delete(&forget).bearer_auth(SECRET_KEY).send().await.expect("answered");
    assert_eq!(forgotten.status().as_u16(), 200);

    let old = ChargeRequest { begun_at: request.begun_at - Duration::from_secs(86_400), ..request };
    assert_eq!(at_peer().charge(old.clone()).await.expect("an outcome"), first);
    // Nothing was made under the key that a second request could be told of.
    let gone = client.delete(&forget).bearer_auth(SECRET_KEY).send().await.expect("answered");
    assert_eq!(gone.status().as_u16(), 404);
}

#[tokio::test]
async fn a_declined_charge_is_found_again_too() {
    let request = fresh("pm_card_chargeCustomerFail");
    let first = at_peer().charge(request.clone()).await.expect("an outcome");
    assert_eq!(first, ChargeOutcome::Declined(DeclineReason::Generic));
    let old = ChargeRequest { begun_at: request.begun_at - Duration::from_secs(86_400), ..request };
    assert_eq!(at_peer().charge(old).await.expect("an outcome"), first);
}

#[tokio::test]
async fn its_webhooks_are_believed_and_tell_of_the_charge() {
    const SECRET: &str = "whsec_of_the_peer";
    let (deliveries, mut delivered) = mpsc::unbounded_channel();
    let listener = MockServer::start().await;
    let keep = move |request: &Request| {
        deliveries.send(request.clone()).ok();
        ResponseTemplate::new(200)
    };
    Mock::given(method("POST")).respond_with(keep).mount(&listener).await;
    let client = stripe::client().expect("a client");
    let registered = client
        .post(format!("{}/_config/webhooks/{}", peer(), Uuid::now_v7()))
        .json(&serde_json::json!({ "url": listener.uri(), "secret": SECRET }))
        .send()
        .await
        .expect("answered");
    assert_eq!(registered.status().as_u16(), 200);

    let webhooks = StripeWebhooks::new(vec![Secret::new(SECRET)], Arc::new(SystemClock));
    let webhooks = webhooks.expect("webhooks");
    for (method, change) in
        [("pm_card_visa", ChargeChange::Paid), ("pm_card_chargeCustomerFail", ChargeChange::Failed)]
    {
        let request = fresh(method);
        at_peer().charge(request.clone()).await.expect("an outcome");
        // It tells of everything, whoever did it.
        let news = loop {
            let delivery = delivered.recv().await.expect("a delivery");
            let headers: Vec<_> = delivery
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect();
            let delivery = WebhookDelivery { headers: &headers, body: &delivery.body };
            let event = webhooks.verify(&delivery).expect("an event");
            if let Some(news) = event.charge.filter(|news| news.key == request.key) {
                break news;
            }
        };
        assert_eq!((news.change, news.tenant), (change, request.tenant));
    }
}
