//! The README's `curl` lines work when they are pasted.

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context as _, ensure};

use crate::shape;

/// What the README's blocks that are to be pasted begin with.
const FENCE: &str = "```bash journey";
/// Where the README expects the monolith.
const ORIGIN: &str = "http://127.0.0.1:8080";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journey_in_the_readme_works_when_pasted() -> anyhow::Result<()> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme)?;
    let blocks = pasted_blocks(&readme);
    ensure!(blocks.len() > 3, "the README has lost its journey");
    let site = shape::in_process().await?;
    let script = blocks.join("\n").replace(ORIGIN, &site.origin());
    let output = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("bash and curl are needed")?;
    let (printed, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}\n{printed}\n{said}", output.status);
    ensure!(!printed.contains("urn:ashlar:problem"), "a line was refused:\n{printed}");
    ensure!(printed.contains("\"paid\""), "nobody paid:\n{printed}");
    site.stop().await
}

fn pasted_blocks(readme: &str) -> Vec<&str> {
    readme
        .split(FENCE)
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect()
}
