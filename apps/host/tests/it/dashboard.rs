//! The dashboard and the local mailbox are there on a developer's machine, and nowhere else.

use anyhow::{Context as _, ensure};
use host::{
    Program,
    config::{Layers, Mistakes},
};
use tempfile::TempDir;

use crate::program::{Edge, client};

const PATHS: [&str; 10] = [
    "/",
    "/dashboard/traces",
    "/dashboard/events",
    "/dashboard/mailbox",
    "/dashboard/mailbox/x",
    "/dashboard/style.css",
    "/dashboard/script.js",
    "/verify-email?token=x",
    "/accept-invitation?token=x",
    "/sandbox/mailbox",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_program_shows_itself() -> anyhow::Result<()> {
    let edge = Edge::before("http://127.0.0.1:1").await?;
    let page = client()?.get(edge.public("/")).send().await?.error_for_status()?;
    let policy = page.headers().get("content-security-policy").context("no policy")?;
    ensure!(policy.to_str()?.contains("script-src 'self'"), "{policy:?}");
    let page = page.text().await?;
    ensure!(
        page.contains("Modules of edge") && page.contains(&edge.internal("/metrics")),
        "{page}"
    );
    for path in PATHS.iter().filter(|path| !path.ends_with("/x")) {
        let answer = client()?.get(edge.public(path)).send().await?;
        ensure!(answer.status() == 200, "{path}: {answer:?}");
    }
    for path in ["/", "/sandbox/mailbox"] {
        let rebound = client()?.get(edge.public(path)).header("host", "evil.example");
        let answer = rebound.send().await?;
        ensure!(answer.status() == 421, "{path}: {answer:?}");
        ensure!(answer.headers()["content-type"] == "application/problem+json", "{answer:?}");
        let problem: serde_json::Value = answer.json().await?;
        ensure!(problem["type"] == "urn:ashlar:problem:not-local", "{path}: {problem:#}");
    }
    let path = "/dashboard/events/billing/billing.open_account/replay";
    let foreign = client()?.post(edge.public(path)).header("origin", "https://evil.example");
    ensure!(foreign.send().await?.status() == 403);
    ensure!(client()?.get(edge.internal("/dashboard/events")).send().await?.status() == 404);
    edge.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_has_none() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let dir = data.path().to_str().context("a path that is no text")?;
    // The first one makes the keys that production wants to be given.
    for profile in ["test", "production"] {
        let mut mistakes = Mistakes::default();
        let url = "[\"http://127.0.0.1:1\"]";
        let layers = Layers::of(
            [
                ("PROFILE", profile),
                ("DATA__DIR", dir),
                ("PUBLIC__ORIGIN", "https://app.example.com"),
                ("PUBLIC__BIND", "127.0.0.1:0"),
                ("INTERNAL__BIND", "127.0.0.1:0"),
                ("MODULES__AUTH__URLS", url),
                ("MODULES__BILLING__URLS", url),
                ("MODULES__NOTIFICATIONS__URLS", url),
            ],
            &mut mistakes,
        );
        let running = Program::new("edge").configured(layers, mistakes)?.start().await?;
        if profile == "production" {
            for path in PATHS {
                let url = format!("http://{}{path}", running.public_address());
                let answer = client()?.get(url).send().await?;
                ensure!(answer.status() == 404, "{path}: {answer:?}");
            }
        }
        running.stop().await;
    }
    Ok(())
}
