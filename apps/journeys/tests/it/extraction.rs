//! What happens when an extracted module's process dies, and when its data move.

mod postgres;
mod sqlite;

use anyhow::{Context as _, ensure};
use journeys::{Api, Person, eventually, organization};
use xtask::shapes::{self, Ground, Running, Shape};

/// Billing's process is killed: its routes say so, the rest keeps working, and what was accepted
/// in the meantime is not lost.
async fn billing_dies_and_heals(extracted: &[&str]) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = shapes::start(&Shape::extracting(extracted.iter().copied()), &ground).await?;
    let api = Api::new(running.public_url())?;
    let owner = organization(&api, "before").await?;
    let subscription = owner.subscribe(3).await?;

    running.program("billing-service")?.kill().await?;
    let down = owner.api.get("/v1/billing/entitlements").await?;
    ensure!(down.headers.contains_key("retry-after"), "{down:#?}");
    down.expect_problem(503, "unavailable")?;
    owner.api.get("/v1/auth/me").await?.expect(200)?;
    let refused = owner.invite("late@before.example").await?;
    refused.expect_problem(503, "unavailable")?;
    let invitations = owner.api.get("/v1/auth/invitations").await?.expect(200)?;
    ensure!(invitations["items"].as_array().is_some_and(Vec::is_empty), "{invitations:#}");
    // Accepted while billing is down: billing must hear of it later.
    let meanwhile = organization(&api, "meanwhile").await?;

    running.program("billing-service")?.start().await?;
    eventually("billing to heal", async || {
        let current = owner.api.get("/v1/billing/subscription").await?.expect(200)?;
        ensure!(current == subscription, "{current:#}");
        Ok(())
    })
    .await?;
    meanwhile.until_seats_used(1).await?;
    eventually("invitations to heal", async || {
        owner.invite("late@before.example").await?.expect(201).map(drop)
    })
    .await?;
    running.stop().await
}

async fn seats_used(owner: &Person, used: u32) -> anyhow::Result<()> {
    let entitlements = owner.api.get("/v1/billing/entitlements").await?.expect(200)?;
    ensure!(entitlements["seats"]["used"] == used, "{entitlements:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_alone_extracted_dies_and_heals() -> anyhow::Result<()> {
    billing_dies_and_heals(&["billing"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_among_all_extracted_dies_and_heals() -> anyhow::Result<()> {
    billing_dies_and_heals(&["auth", "billing", "notifications"]).await
}

/// With auth down, the keys that it gave keep billing's routes open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_verified_while_auth_is_down() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let all = ["auth", "billing", "notifications"];
    let running = shapes::start(&Shape::extracting(all), &ground).await?;
    let api = Api::new(running.public_url())?;
    let owner = organization(&api, "keys").await?;
    owner.api.get("/v1/billing/entitlements").await?.expect(200)?;
    running.program("auth-service")?.kill().await?;
    owner.api.get("/v1/billing/entitlements").await?.expect(200)?;
    owner.api.get("/v1/auth/me").await?.expect_problem(503, "unavailable")?;
    running.stop().await
}

async fn still_subscribed(
    running: &Running,
    email: &str,
    subscription: &serde_json::Value,
) -> anyhow::Result<()> {
    let owner = Person::log_in(&Api::new(running.public_url())?, email).await?;
    let current = owner.api.get("/v1/billing/subscription").await?.expect(200)?;
    ensure!(current == *subscription, "{current:#}");
    let invoices = owner.api.get("/v1/billing/invoices").await?.expect(200)?;
    invoices["items"][0]["number"].as_str().context("the invoice is gone")?;
    Ok(())
}
