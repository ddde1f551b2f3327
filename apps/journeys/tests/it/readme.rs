//! What the documents show to be pasted works.

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context as _, ensure};
use xtask::shapes::Ground;

use crate::shape;

/// Where documents expect the monolith, and what operators ask.
const PUBLIC: &str = "http://127.0.0.1:8080";
const INTERNAL: &str = "http://127.0.0.1:9080";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journey_in_the_readme_works_when_pasted() -> anyhow::Result<()> {
    let site = shape::in_process().await?;
    let script = shown("README.md", "journey")?.replace(PUBLIC, &site.origin());
    let printed = pasted(&script).await?;
    ensure!(printed.contains("\"paid\""), "nobody paid:\n{printed}");
    site.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_ask_is_told_when_pasted() -> anyhow::Result<()> {
    let script = shown("docs/observability.md", "operators")?;
    let token = script.lines().find_map(|line| line.strip_prefix("TOKEN="));
    let token = token.context("no token is shown")?;
    let ground = Ground::new().await?;
    let settings = [("ASHLAR__INTERNAL__OPERATOR_TOKEN", token)];
    let running = shape::started(&ground, &[], settings).await?;
    let internal = running.program("monolith")?.internal_url();
    let printed = pasted(&script.replace(INTERNAL, &internal)).await?;
    for told in [
        "# TYPE http_server_request_duration_seconds histogram",
        "\"left_out\"",
        "\"level\":\"info,storage=debug\"",
        "\"added_cpu\"",
        "Not enough was measured to say.",
    ] {
        ensure!(printed.contains(told), "nothing says {told}:\n{printed}");
    }
    running.stop().await
}

/// The blocks of `document` whose fence says that they are to be pasted by `whom`.
fn shown(document: &str, whom: &str) -> anyhow::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(document);
    let text = fs::read_to_string(path)?;
    let blocks: Vec<&str> = text
        .split(&format!("```bash {whom}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    ensure!(blocks.len() > 3, "{document} has lost what is to be pasted");
    Ok(blocks.join("\n"))
}

/// What `script` prints.
async fn pasted(script: &str) -> anyhow::Result<String> {
    // For what it writes.
    let folder = tempfile::tempdir()?;
    let output = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("bash and curl are needed")?;
    let (printed, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}\n{printed}\n{said}", output.status);
    ensure!(!printed.contains("urn:ashlar:problem"), "a line was refused:\n{printed}");
    Ok(printed.into_owned())
}
