//! What a running program tells of itself.

use anyhow::{Context as _, ensure};
use host::config::{Layers, Mistakes};
use serde_json::{Value, json};
use tempfile::TempDir;
use utoipa::openapi::OpenApi;

const TOKEN: &str = "an operator's token";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_module_tells_operators_its_backlog_and_everybody_its_routes() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(
        [
            ("PROFILE", "test"),
            ("DATA__DIR", data.path().to_str().context("a path that is no text")?),
            ("PUBLIC__BIND", "127.0.0.1:0"),
            ("INTERNAL__BIND", "127.0.0.1:0"),
            ("INTERNAL__OPERATOR_TOKEN", TOKEN),
        ],
        &mut mistakes,
    );
    let running = monolith::program().configured(layers, mistakes)?.start().await?;
    let client = reqwest::Client::builder().no_proxy().build()?;

    let ops = format!("http://{}/ops/backlog", running.internal_address());
    for module in ["auth", "billing", "notifications"] {
        let request = client.get(format!("{ops}/{module}")).bearer_auth(TOKEN);
        let backlog: Value = request.send().await?.error_for_status()?.json().await?;
        let nothing = json!({ "outbox": [], "pending": 0, "dead": 0, "scheduled": 0 });
        ensure!(backlog == nothing, "{module}: {backlog:#}");
    }
    let stranger = client.get(format!("{ops}/billing")).bearer_auth("a stranger's token");
    ensure!(stranger.send().await?.status() == 401);
    let unknown = client.get(format!("{ops}/shipping")).bearer_auth(TOKEN);
    ensure!(unknown.send().await?.status() == 404);

    // Another program reads the description as this type, and must lose nothing of it.
    let url = format!("http://{}/openapi.json?modules=here", running.public_address());
    let told: Value = client.get(url).send().await?.error_for_status()?.json().await?;
    let heard: OpenApi = serde_json::from_value(told.clone())?;
    ensure!(serde_json::to_value(&heard)? == told, "a description changes on its way");
    for path in ["/v1/auth/me", "/v1/billing/plans", "/v1/notifications"] {
        ensure!(told["paths"].get(path).is_some(), "{path} is missing");
    }
    running.stop().await;
    Ok(())
}
