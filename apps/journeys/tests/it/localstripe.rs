//! Payments by Stripe's ways, as others have written them down: see `adapters/stripe/tests/peer/`.

use anyhow::{Context as _, ensure};
use journeys::organization;
use serde_json::json;

use crate::shape;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_pay_or_are_declined() -> anyhow::Result<()> {
    let peer = std::env::var("ASHLAR_TEST_LOCALSTRIPE").context(
        "a stand-in for Stripe: run `adapters/stripe/tests/peer/run.sh target/peers/localstripe \
         18420` and set ASHLAR_TEST_LOCALSTRIPE=http://127.0.0.1:18420",
    )?;
    let site = shape::in_process_told(&[
        ("BILLING__GATEWAY", "stripe"),
        ("STRIPE__SECRET_KEY", "sk_test_of_a_journey"),
        ("STRIPE__BASE_URL", &peer),
    ])
    .await?;
    let api = site.api()?;

    let ada = organization(&api, "paysbystripe").await?;
    let subscription = ada.subscribe(3).await?;
    ensure!(subscription["status"] == "active", "{subscription:#}");
    ensure!(ada.subscribe(3).await? == subscription, "a repetition is answered as the first");
    let invoices = ada.api.get("/v1/billing/invoices").await?.expect(200)?;
    ensure!(invoices["items"][0]["status"] == "paid", "{invoices:#}");

    let eve = organization(&api, "declinedbystripe").await?;
    let order = json!({
        "price_id": eve.paid_price().await?, "quantity": 3,
        "payment_method": "pm_card_chargeCustomerFail",
    });
    let declined = eve.api.post_once("/v1/billing/subscriptions", "order-1", &order).await?;
    ensure!(declined.status == 402 && declined.body["decline_code"] == "card_declined");
    // Another card, in the name of the same customer.
    eve.subscribe(3).await?;
    site.stop().await
}
