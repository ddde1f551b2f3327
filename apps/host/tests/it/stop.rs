//! A stop that has an end.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::net::TcpListener;

use crate::{
    owners::accept,
    program::{Edge, client},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_end_holds_up_a_stop_for_the_drain_and_no_longer() -> anyhow::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let owner = format!("http://{}", silent.local_addr()?);
    let edge = Edge::told(&[&owner], &[("INTERNAL__DRAIN_SECONDS", "1")]).await?;

    let unanswered = client()?.get(edge.public("/v1/billing/plans"));
    let unanswered =
        tokio::spawn(async move { unanswered.send().await.map(|answer| answer.status()) });
    let _held = accept(&silent).await?;

    let begun = Instant::now();
    edge.stop().await;
    let took = begun.elapsed();
    ensure!(took < Duration::from_millis(1_900), "the stop took {took:?}");
    ensure!(!matches!(unanswered.await?, Ok(status) if status == 200), "nobody answered that");
    Ok(())
}
