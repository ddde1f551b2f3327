//! `/ops` is for operators, on the internal listener alone.

use anyhow::{Context as _, ensure};

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
    for path in ["/ops/dead-letters/billing", "/ops/backlog/billing", "/ops/seam"] {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_what_was_limited_and_by_whom() -> anyhow::Result<()> {
    let token = ("INTERNAL__OPERATOR_TOKEN", "an operator's token");
    let gone = ("REDIS__URL", "redis://127.0.0.1:1");
    let off = ("LIMITS__ENABLED", "false");
    for (settings, store) in [
        (vec![token], "in_process"),
        (vec![token, gone], "shared"),
        (vec![token, gone, off], "off"),
    ] {
        let edge = Edge::told(&["http://127.0.0.1:1"], &settings).await?;
        let path = edge.internal("/ops/limits");
        ensure!(client()?.get(&path).send().await?.status() == 401);
        let request = client()?.get(&path).bearer_auth("an operator's token");
        let figures: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
        let none = serde_json::json!({ "decisions": 0, "limited": 0 });
        let expected = serde_json::json!({
            "store": store,
            "classes": { "costly": none, "guessable": none, "token": none, "tenant": none },
            "fallbacks": 0,
            "store_errors": 0,
        });
        ensure!(figures == expected, "{figures:#}");
        edge.stop().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_operator_sees_how_often_modules_call_each_other() -> anyhow::Result<()> {
    let edge = Edge::before("http://127.0.0.1:1").await?;
    let client = client()?;
    let path = "/ops/seam";
    ensure!(client.get(edge.internal(path)).send().await?.status() == 401);
    let wrong = client.get(edge.internal(path)).bearer_auth("another operator's token");
    ensure!(wrong.send().await?.status() == 401);
    ensure!(client.get(edge.public(path)).send().await?.status() == 404);
    let right = client.get(edge.internal(path)).bearer_auth("an operator's token");
    let told: serde_json::Value = right.send().await?.error_for_status()?.json().await?;
    ensure!(told["calls"] == serde_json::json!([]), "nobody has called: {told:#}");
    let requests = told["requests"].as_array().context("no requests")?;
    let asked = requests.iter().filter(|module| module["requests"] != 0).count();
    ensure!(requests.len() == 3 && asked == 0, "nobody has asked a module: {told:#}");
    edge.stop().await;
    Ok(())
}
