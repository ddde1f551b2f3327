//! What the engines cost: row-level security, tenant-scoped reads, the way of an event. Measured by
//! a program of its own, on private engines that flush what they commit.

use anyhow::{Context as _, Result, bail};

use super::report::Finding;
use crate::{
    console::say,
    services::{self, Durability, Engine, Otherwise, Server},
    steps,
    tools::Install,
    workspace::Workspace,
};

/// Starts the engines, runs `engine-bench`, and reads what it found.
pub(super) async fn findings(workspace: &Workspace, install: Install) -> Result<Vec<Finding>> {
    services::ensure(&[Engine::Postgres, Engine::RabbitMq], install, Otherwise::Nothing)?;
    let build = ["build", "--release", "--package", "engine-bench"];
    if !steps::succeeds(&mut workspace.cargo(&build))? {
        bail!("`cargo build --release --package engine-bench` failed; see above");
    }
    let postgres = Server::postgres(Durability::Real).await?;
    let rabbitmq = Server::rabbitmq().await?;
    say("measuring reads, growth and events; this takes several minutes");
    let mut bench = tokio::process::Command::new(workspace.target().join("release/engine-bench"));
    // In the environment, where no other user of the machine reads the passwords.
    bench.env("ASHLAR_BENCH_POSTGRES", postgres.url().expose());
    bench.env("ASHLAR_BENCH_RABBITMQ", rabbitmq.url().expose());
    bench.kill_on_drop(KILLED).stderr(std::process::Stdio::inherit());
    let output = bench.output().await.context("running engine-bench")?;
    if !output.status.success() {
        bail!("engine-bench failed; see above");
    }
    let lines = String::from_utf8(output.stdout).context("reading what engine-bench printed")?;
    let read = |line: &str| serde_json::from_str(line).context("reading a finding");
    lines.lines().map(read).collect()
}

/// A benchmark does not outlive the command that started it.
const KILLED: bool = true;
