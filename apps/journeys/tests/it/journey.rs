//! Register, verify, log in, subscribe, pay, invoice, mail.

use anyhow::{Context as _, ensure};
use journeys::{Api, eventually, mails, organization};
use serde_json::{Value, json};

use crate::shape::in_every_shape;

in_every_shape! {
    fn a_customer_signs_up_pays_and_hears_of_it(api) {
        let owner = organization(&api, "lovelace").await?;

        let me = owner.api.get("/v1/auth/me").await?.expect(200)?;
        ensure!(me["user"]["email"] == owner.email, "{me:#}");
        ensure!(me["tenant"]["name"] == "lovelace" && me["role"] == "owner", "{me:#}");

        let before = owner.api.get("/v1/billing/entitlements").await?.expect(200)?;
        let subscription = owner.subscribe(3).await?;
        ensure!(subscription["status"] == "active", "{subscription:#}");
        let current = owner.api.get("/v1/billing/subscription").await?.expect(200)?;
        ensure!(current["id"] == subscription["id"], "{current:#}");
        let after = owner.api.get("/v1/billing/entitlements").await?.expect(200)?;
        ensure!(after["plan"] != before["plan"] && after["seats"]["limit"] == 3, "{after:#}");

        let invoices = owner.api.get("/v1/billing/invoices").await?.expect(200)?;
        let invoice = &invoices["items"][0];
        ensure!(invoice["status"] == "paid", "{invoices:#}");
        let id = invoice["id"].as_str().context("no id")?;
        let invoice = owner.api.get(&format!("/v1/billing/invoices/{id}")).await?.expect(200)?;
        ensure!(sum_of_lines(&invoice)? == invoice["total"]["amount"], "{invoice:#}");

        eventually("the notice of the paid invoice", async || {
            let inbox = owner.api.get("/v1/notifications").await?.expect(200)?;
            let items = inbox["items"].as_array().context("no items")?;
            ensure!(items.iter().any(|item| item["kind"] == "billing.invoice_paid"), "{inbox:#}");
            Ok(())
        })
        .await?;
        let number = invoice["number"].as_str().context("no number")?;
        eventually("the mail of the paid invoice", async || {
            let mails = mails(&api, &owner.email).await?;
            let about = |mail: &&Value| mail["text"].as_str().is_some_and(|text| text.contains(number));
            ensure!(mails.iter().filter(about).count() == 1, "{mails:#?}");
            Ok(())
        })
        .await?;
    }

    fn a_session_is_refreshed_once_per_token(api) {
        let owner = organization(&api, "hamilton").await?;
        let body = json!({ "refresh_token": owner.refresh_token });
        let fresh = api.post("/v1/auth/refresh", &body).await?.expect(200)?;
        let token = fresh["access_token"].as_str().context("no token")?;
        api.with_token(token).get("/v1/auth/me").await?.expect(200)?;
        ensure!(fresh["refresh_token"] != owner.refresh_token.as_str(), "the token was not rotated");
    }

    fn an_unverified_address_is_told_only_to_the_right_password(api) {
        let email = "turing@unverified.example";
        let registration = json!({
            "email": email, "password": "correct horse battery staple",
            "name": "Alan Turing", "organization": "unverified",
        });
        let first = api.post("/v1/auth/register", &registration).await?;
        let again = api.post("/v1/auth/register", &registration).await?;
        ensure!(first.status == again.status && first.body == again.body, "{first:?} {again:?}");

        let right = json!({ "email": email, "password": "correct horse battery staple" });
        api.post("/v1/auth/login", &right).await?.expect_problem(403, "email-not-verified")?;
        let wrong = json!({ "email": email, "password": "incorrect horse battery" });
        api.post("/v1/auth/login", &wrong).await?.expect_problem(401, "invalid-credentials")?;
        let nobody = json!({ "email": "nobody@unverified.example", "password": "incorrect horse battery" });
        api.post("/v1/auth/login", &nobody).await?.expect_problem(401, "invalid-credentials")?;
    }

    fn a_verification_link_works_once(api) {
        organization(&api, "once").await?;
        let mail = mails(&api, "owner@once.example").await?.pop().context("no mail")?;
        let link = mail["links"][0].as_str().context("no link")?.to_owned();
        let (_, token) = link.rsplit_once("?token=").context("no token")?;
        let again = api.post("/v1/auth/verify-email", &json!({ "token": token })).await?;
        ensure!(again.status == 400, "{again:#?}");
    }

    fn a_declined_card_changes_nothing(api) {
        let owner = organization(&api, "declined").await?;
        let order = json!({
            "price_id": owner.paid_price().await?, "quantity": 2,
            "payment_method": "pm_card_visa_chargeDeclined",
        });
        let answer = owner.api.post_once("/v1/billing/subscriptions", "d1", &order).await?;
        let first = answer.expect_problem(402, "payment-declined")?;
        owner.api.get("/v1/billing/subscription").await?.expect_problem(404, "no-subscription")?;
        let again = owner.api.post_once("/v1/billing/subscriptions", "d1", &order).await?;
        let again = again.expect_problem(402, "payment-declined")?;
        ensure!(first["decline_code"] == again["decline_code"], "{first:#} {again:#}");
        owner.subscribe(2).await?;
    }

    fn one_key_buys_one_subscription(api) {
        let owner = organization(&api, "onekey").await?;
        let order = json!({
            "price_id": owner.paid_price().await?, "quantity": 2, "payment_method": "pm_card_visa",
        });
        let path = "/v1/billing/subscriptions";
        owner.api.post(path, &order).await?.expect_problem(400, "idempotency-key-missing")?;
        let first = owner.api.post_once(path, "k", &order).await?.expect(201)?;
        let again = owner.api.post_once(path, "k", &order).await?.expect(201)?;
        ensure!(first == again, "{first:#} {again:#}");
        let mut other = order.clone();
        other["quantity"] = json!(3);
        owner.api.post_once(path, "k", &other).await?.expect_problem(422, "idempotency-key-reused")?;
        owner.api.post_once(path, "l", &order).await?.expect_problem(409, "already-subscribed")?;
        let invoices = owner.api.get("/v1/billing/invoices").await?.expect(200)?;
        ensure!(invoices["items"].as_array().map(Vec::len) == Some(1), "{invoices:#}");
    }

    fn a_tenant_sees_nothing_of_another(api) {
        let (mine, other) =
            (organization(&api, "mine").await?, organization(&api, "other").await?);
        mine.subscribe(2).await?;
        let invoices = mine.api.get("/v1/billing/invoices").await?.expect(200)?;
        let invoice = invoices["items"][0]["id"].as_str().context("no invoice")?;
        let path = format!("/v1/billing/invoices/{invoice}");
        mine.api.get(&path).await?.expect(200)?;
        other.api.get(&path).await?.expect_problem(404, "not-found")?;
        let theirs = other.api.get("/v1/billing/invoices").await?.expect(200)?;
        ensure!(theirs["items"].as_array().is_some_and(Vec::is_empty), "{theirs:#}");
        let notice = eventually("a notice", async || {
            let inbox = mine.api.get("/v1/notifications").await?.expect(200)?;
            inbox["items"][0]["id"].as_str().map(str::to_owned).context("none yet")
        })
        .await?;
        let read = format!("/v1/notifications/{notice}/read");
        other.api.post(&read, &json!({})).await?.expect_problem(404, "not-found")?;
    }

    fn the_api_describes_itself(api) {
        describes_itself(&api).await?;
    }
}

async fn describes_itself(api: &Api) -> anyhow::Result<()> {
    let document = eventually("the whole description", async || {
        let document = api.get("/openapi.json").await?.expect(200)?;
        let paths = document["paths"].as_object().context("no paths")?;
        for path in [
            "/v1/auth/register",
            "/v1/auth/invitations/accept",
            "/v1/billing/subscriptions",
            "/v1/billing/usage-events",
            "/v1/notifications",
        ] {
            ensure!(paths.contains_key(path), "{path} is missing: {:?}", paths.keys());
        }
        Ok(document)
    })
    .await?;
    ensure!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let page = api.get("/docs/").await?.expect(200)?;
    let html = page.as_str().context("no page")?;
    ensure!(!html.contains("https://") && !html.contains("//cdn"), "the page needs the network");
    let mut modules = api.get("/health/ready").await?.expect(200)?;
    let modules = modules["modules"].take();
    ensure!(modules.as_object().map(serde_json::Map::len) == Some(3), "{modules:#}");
    api.get("/health/live").await?.expect(200)?;
    Ok(())
}

fn sum_of_lines(invoice: &Value) -> anyhow::Result<Value> {
    let lines = invoice["lines"].as_array().context("no lines")?;
    ensure!(!lines.is_empty(), "no lines");
    Ok(json!(lines.iter().filter_map(|line| line["amount"]["amount"].as_i64()).sum::<i64>()))
}
