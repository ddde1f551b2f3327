//! One journey of each scenario through the product: every request is answered as it should be, and
//! the books balance.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use load_report::model::Load;
use loadtest::{
    arrivals::Spacing,
    client::Client,
    people::{self, People, Sizes},
    run::{Outcome, Plan, Stream, run},
    scenarios,
};

use crate::product::Product;

const SECRET: &str = "whsec_of_a_test";

/// One tenant that pays, with one member, and one that does not pay yet.
const SIZES: Sizes = Sizes { tenants: 1, newcomers: 1, members: 1, usage_events: 20, at_once: 2 };

pub(crate) fn plan(product: &Product, scenario: &str, journeys: u64) -> anyhow::Result<Plan> {
    let scenario = scenarios::named(scenario).context("no such scenario")?;
    let stream = Stream { scenario, load: Load::Open { rate: 10.0 } };
    Ok(Plan {
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(60),
        spacing: Spacing::Even,
        think: Duration::from_millis(1),
        patience: Duration::from_secs(30),
        most_journeys: journeys,
        ..Plan::new(product.url(), vec![stream])
    })
}

/// `compared` is what both sides of the books say, whatever else is in them.
fn check(outcome: &Outcome, operations: &[&str], compared: &[(&str, u64)]) -> anyhow::Result<()> {
    let run = &outcome.run;
    ensure!(outcome.generator.complete == outcome.generator.journeys, "{:?}", outcome.generator);
    for name in operations {
        let operation = run.operations.get(*name).with_context(|| format!("no {name}"))?;
        ensure!(operation.done > 0 && operation.failed.is_empty(), "{name}: {operation:?}");
    }
    ensure!(run.operations.len() == operations.len(), "{:?}", run.operations.keys());
    ensure!(run.ledger.faults.is_empty(), "{:?}", run.ledger);
    for (what, count) in compared {
        let sides = run.ledger.compared.get(*what);
        ensure!(sides == Some(&(*count, *count)), "{what}: {:?}", run.ledger);
    }
    Ok(())
}

async fn check_one(
    scenario: &str,
    operations: &[&str],
    compared: &[(&str, u64)],
) -> anyhow::Result<()> {
    let product = Product::start(&[]).await?;
    let client = Client::new(&product.url(), Duration::from_secs(30))?;
    let mut people = people::seed(&client, SIZES, 7, |_, _| {}).await?;
    let outcome = run(&plan(&product, scenario, 1)?, &mut people, |_| {}).await?;
    check(&outcome, operations, compared)?;
    product.stop().await;
    Ok(())
}

macro_rules! journeys {
    ($($name:ident: $scenario:literal, $operations:expr, $compared:expr;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() -> anyhow::Result<()> {
                check_one($scenario, &$operations, &$compared).await
            }
        )+
    };
}

journeys! {
    sign_up: "sign-up",
        ["POST /v1/auth/register", "POST /v1/auth/verify-email", "POST /v1/auth/login"],
        [("sign-ups", 1)];
    log_in: "log-in",
        ["POST /v1/auth/login", "GET /v1/auth/me", "GET /v1/notifications"], [];
    browse_plans: "browse-plans", ["GET /v1/billing/plans"], [];
    subscribe: "subscribe",
        [
            "GET /v1/billing/plans", "POST /v1/billing/subscriptions",
            "GET /v1/billing/subscription", "GET /v1/billing/invoices",
        ],
        [("subscriptions", 1)];
    usage: "usage", ["POST /v1/billing/usage-events"], [("units of usage", 10)];
    invoices: "invoices", ["GET /v1/billing/invoices", "GET /v1/billing/invoices/{id}"], [];
    entitlements: "entitlements", ["GET /v1/billing/entitlements", "GET /v1/auth/me"], [];
    one_read: "one-read", ["GET /v1/billing/subscription"], [];
}

/// Some are accepted and some are taken back, and the books know how many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invitations() -> anyhow::Result<()> {
    let product = Product::start(&[]).await?;
    let client = Client::new(&product.url(), Duration::from_secs(30))?;
    let mut people = people::seed(&client, SIZES, 7, |_, _| {}).await?;
    let outcome = run(&plan(&product, "invitations", 12)?, &mut people, |_| {}).await?;
    let operations = [
        "POST /v1/auth/invitations",
        "POST /v1/auth/invitations/accept",
        "DELETE /v1/auth/invitations/{id}",
    ];
    check(&outcome, &operations, &[("invitations", 12)])?;
    product.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks() -> anyhow::Result<()> {
    let secrets = format!("[\"{SECRET}\"]");
    let stripe = [
        ("BILLING__GATEWAY", "stripe"),
        ("STRIPE__SECRET_KEY", "sk_test_of_a_test"),
        ("STRIPE__WEBHOOK_SECRETS", secrets.as_str()),
        // Nobody is there, and nobody is asked.
        ("STRIPE__BASE_URL", "http://127.0.0.1:9"),
    ];
    let product = Product::start(&stripe).await?;
    let plan = plan(&product, "webhooks", 3)?;
    let plan = Plan { webhook_secret: Some(SECRET.to_owned()), ..plan };
    let outcome = run(&plan, &mut People::default(), |_| {}).await?;
    check(&outcome, &["POST /webhooks/stripe"], &[])?;
    product.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_nobody_takes_are_told_of() -> anyhow::Result<()> {
    let product = Product::start(&[]).await?;
    let plan = plan(&product, "webhooks", 1)?;
    let untold = run(&plan, &mut People::default(), |_| {}).await.err().context("it was run")?;
    ensure!(untold.to_string().contains("no secret to sign them with"), "{untold:#}");
    let plan = Plan { webhook_secret: Some(SECRET.to_owned()), ..plan };
    let refused = run(&plan, &mut People::default(), |_| {}).await.err().context("it was run")?;
    ensure!(refused.to_string().contains("answered the first with 404"), "{refused:#}");
    product.stop().await;
    Ok(())
}

/// A day without webhooks; who has none is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_day() -> anyhow::Result<()> {
    let product = Product::start(&[]).await?;
    let client = Client::new(&product.url(), Duration::from_secs(30))?;
    let sizes = Sizes { newcomers: 3, ..SIZES };
    let mut people = people::seed(&client, sizes, 7, |_, _| {}).await?;
    let outcome = run(&plan(&product, "mixed-day", 25)?, &mut people, |_| {}).await?;
    let run = &outcome.run;
    ensure!(outcome.generator.complete == 25, "{:?}", outcome.generator);
    ensure!(run.operations.len() > 5 && run.ledger.faults.is_empty(), "{run:?}");
    ensure!(outcome.generator.remarks.len() == 1, "{:?}", outcome.generator.remarks);
    product.stop().await;
    Ok(())
}
