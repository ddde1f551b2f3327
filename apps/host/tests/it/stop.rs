//! A stop that has an end.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    owners::accept,
    program::{Edge, client},
};

/// Both listeners have a request in hand that never ends; the drain is not spent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_end_hold_up_a_stop_for_the_drain_and_no_longer() -> anyhow::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let owner = format!("http://{}", silent.local_addr()?);
    let edge = Edge::told(&[&owner], &[("INTERNAL__DRAIN_SECONDS", "1")]).await?;

    let unanswered = client()?.get(edge.public("/v1/billing/plans"));
    let unanswered =
        tokio::spawn(async move { unanswered.send().await.map(|answer| answer.status()) });
    let _held = accept(&silent).await?;
    let mut unfinished = TcpStream::connect(edge.internal_address()).await?;
    unfinished.write_all(UNFINISHED).await?;
    // The interim answer says that the head was read, and the body is waited for.
    unfinished.read_u8().await?;

    let begun = Instant::now();
    edge.stop().await;
    let took = begun.elapsed();
    ensure!(took < Duration::from_millis(1_900), "the stop took {took:?}");
    ensure!(!matches!(unanswered.await?, Ok(status) if status == 200), "nobody answered that");
    Ok(())
}

const UNFINISHED: &[u8] = b"POST /internal/billing/BillingApi/v1/entitlements HTTP/1.1\r\n\
    host: localhost\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n";
