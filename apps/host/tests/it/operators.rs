//! `/ops` is for operators, on the internal listener alone.

use anyhow::ensure;

use crate::program::{Edge, client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_operator_sees_dead_letters() -> anyhow::Result<()> {
    let edge = Edge::before("http://127.0.0.1:1").await?;
    let path = "/ops/dead-letters/billing";
    let client = client()?;
    ensure!(client.get(edge.internal(path)).send().await?.status() == 401);
    let wrong = client.get(edge.internal(path)).bearer_auth("another operator's token");
    ensure!(wrong.send().await?.status() == 401);
    // Billing runs elsewhere, and so do its dead letters.
    let right = client.get(edge.internal(path)).bearer_auth("an operator's token");
    ensure!(right.send().await?.status() == 404);
    ensure!(client.get(edge.public(path)).send().await?.status() == 404);
    ensure!(
        client
            .get(edge.public("/internal/billing/BillingApi/v1/entitlements"))
            .send()
            .await?
            .status()
            == 404
    );
    edge.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_operators_token_the_routes_are_closed_to_all() -> anyhow::Result<()> {
    let edge = Edge::told(&["http://127.0.0.1:1"], &[]).await?;
    for path in ["/ops/dead-letters/billing", "/ops/backlog/billing"] {
        for token in ["", "an operator's token"] {
            let request = client()?.get(edge.internal(path)).bearer_auth(token);
            let answer = request.send().await?;
            ensure!(answer.status() == 403, "{answer:?}");
            let problem: serde_json::Value = answer.json().await?;
            ensure!(problem["type"] == "urn:ashlar:problem:operators-closed", "{problem:#}");
        }
    }
    edge.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_internal_listener_takes_no_call_without_a_token() -> anyhow::Result<()> {
    let edge = Edge::before("http://127.0.0.1:1").await?;
    let call = client()?.post(edge.internal("/internal/billing/BillingApi/v1/entitlements"));
    ensure!(call.body("null").send().await?.status() == 401);
    edge.stop().await;
    Ok(())
}
