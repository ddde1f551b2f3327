//! Failures are told apart.

use std::time::Duration;

use anyhow::ensure;
use load_report::model::Load;
use loadtest::run::Plan;
use tokio::net::TcpListener;

use crate::{
    ping::{carry_out, of, pings},
    server::{Manner, Server},
};

/// All of ten requests fail in this way.
async fn check_all_fail(url: String, kind: &str) -> anyhow::Result<()> {
    let patience = Duration::from_millis(500);
    let plan = Plan { most_journeys: 10, patience, ..pings(url, Load::Open { rate: 100.0 }, 30) };
    let outcome = carry_out(&plan).await?;
    let pings = of(&outcome);
    ensure!(pings.failed == [(kind.to_owned(), 10)].into() && pings.done == 0, "{pings:?}");
    ensure!(outcome.generator.failed == 10, "{:?}", outcome.generator);
    Ok(())
}

async fn check_manner(manner: Manner, kind: &str) -> anyhow::Result<()> {
    let server = Server::start(manner).await?;
    check_all_fail(server.url(), kind).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_status() -> anyhow::Result<()> {
    check_manner(Manner::Answers(500), "500").await?;
    // Who sheds load says when to come again.
    check_manner(Manner::Answers(503), "503 without Retry-After").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer() -> anyhow::Result<()> {
    check_manner(Manner::Hangs, "timeout").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_closed() -> anyhow::Result<()> {
    check_manner(Manner::HangsUp, "reset").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection() -> anyhow::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    check_all_fail(format!("http://{nobody}"), "refused").await
}
