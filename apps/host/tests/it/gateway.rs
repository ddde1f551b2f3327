//! What comes in for a module that runs elsewhere is passed on to it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
};

use crate::{
    owners::{accept, answer_once, echo, gone},
    program::{Edge, client},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_streamed_both_ways() -> anyhow::Result<()> {
    let (owner, handle) = echo()?;
    let edge = Edge::before(&owner).await?;
    // Sixteen chunks of a megabyte, of which the next is sent when the last has come back: an edge
    // that collected the body before it passed it on would never answer.
    let returned = Arc::new(Semaphore::new(1));
    let permits = Arc::clone(&returned);
    let body = futures_util::stream::unfold(0_u8, move |n| {
        let permits = Arc::clone(&permits);
        async move {
            if n == 16 {
                return None;
            }
            permits.acquire().await.ok()?.forget();
            Some((Ok::<_, std::io::Error>(vec![n; 1024 * 1024]), n + 1))
        }
    });
    let request = client()?.post(edge.public("/v1/billing/echo"));
    let answer = request.body(reqwest::Body::wrap_stream(body)).send().await?;
    ensure!(answer.status() == 200, "{answer:?}");
    let (mut stream, mut length) = (answer.bytes_stream(), 0_usize);
    while let Some(chunk) = stream.next().await {
        let before = length / (1024 * 1024);
        length += chunk?.len();
        returned.add_permits(length / (1024 * 1024) - before);
    }
    ensure!(length == 16 * 1024 * 1024, "{length} bytes came back");
    edge.stop().await;
    handle.stop(false).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_speak_for_us() -> anyhow::Result<()> {
    let (owner, handle) = echo()?;
    let edge = Edge::before(&owner).await?;
    let request = client()?
        .get(edge.public("/v1/billing/headers"))
        .header("x-call-key", "forged")
        .header("x-forwarded-for", "203.0.113.9")
        .header("authorization", "Bearer t")
        .header("idempotency-key", "k")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let seen: Vec<(String, String)> = request.send().await?.json().await?;
    let value = |name: &str| seen.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    ensure!(value("x-call-key").is_none(), "{seen:?}");
    ensure!(value("x-forwarded-for") == Some("127.0.0.1"), "{seen:?}");
    ensure!(value("authorization") == Some("Bearer t"), "{seen:?}");
    ensure!(value("idempotency-key") == Some("k"), "{seen:?}");
    let trace = value("traceparent").context("no trace")?;
    ensure!(trace.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "another trace: {trace}");
    edge.stop().await;
    handle.stop(false).await;
    Ok(())
}

/// What a proxy of ours says of a client's address reaches the owner, and nothing that stands
/// before it: that the client may have written itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_speaks_for_its_client() -> anyhow::Result<()> {
    let (owner, handle) = echo()?;
    let proxies = [("PUBLIC__TRUSTED_HOPS", "1"), ("PUBLIC__TRUSTED_PROXIES", "[\"127.0.0.0/8\"]")];
    let edge = Edge::told(&[&owner], &proxies).await?;
    let request = client()?
        .get(edge.public("/v1/billing/headers"))
        .header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
    let seen: Vec<(String, String)> = request.send().await?.json().await?;
    let told = seen.iter().filter(|(name, _)| name == "x-forwarded-for");
    let told: Vec<&str> = told.map(|(_, value)| value.as_str()).collect();
    ensure!(told == ["203.0.113.9"], "{seen:?}");
    edge.stop().await;
    handle.stop(false).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_down_is_a_503_and_heals() -> anyhow::Result<()> {
    let (owner, handle) = echo()?;
    let edge = Edge::before(&owner).await?;
    handle.stop(false).await;
    let answer = client()?.get(edge.public("/v1/billing/plans")).send().await?;
    ensure!(answer.status() == 503 && answer.headers().contains_key("retry-after"), "{answer:?}");
    let problem: serde_json::Value = answer.json().await?;
    ensure!(problem["type"] == "urn:ashlar:problem:unavailable", "{problem:#}");

    let address = owner.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(answer_once(listener));
    let answer = client()?.get(edge.public("/v1/billing/plans")).send().await?;
    ensure!(answer.status() == 204, "{answer:?}");
    edge.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_that_is_down_is_not_noticed_by_clients() -> anyhow::Result<()> {
    let (owner, handle) = echo()?;
    let edge = Edge::told(&[&gone().await?, &owner], &[]).await?;
    // Enough of them that each owner's turn comes, before and after the dead one is left out.
    for n in 0..16 {
        let answer = client()?.get(edge.public("/v1/billing/headers")).send().await?;
        ensure!(answer.status() == 200, "{n}: {answer:?}");
        let body = format!("request {n}");
        let post = client()?.post(edge.public("/v1/billing/echo")).body(body.clone());
        let answer = post.send().await?;
        ensure!(answer.status() == 200, "{n}: {answer:?}");
        ensure!(answer.text().await? == body, "{n}: the body is not whole");
    }
    edge.stop().await;
    handle.stop(false).await;
    Ok(())
}

/// What was sent may have been done: nobody may be told that it was not, and it is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_taken_and_not_answered_is_in_doubt() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let owner = format!("http://{}", listener.local_addr()?);
    let edge = Edge::before(&owner).await?;
    let taken = tokio::spawn(async move {
        drop(accept(&listener).await?);
        // A second sending would find the listener again.
        let again = tokio::time::timeout(Duration::from_millis(200), listener.accept());
        Ok::<_, std::io::Error>(again.await.is_ok())
    });
    let request = client()?.post(edge.public("/v1/billing/subscriptions")).body("{}");
    let answer = request.send().await?;
    ensure!(answer.status() == 503 && answer.headers().contains_key("retry-after"), "{answer:?}");
    let problem: serde_json::Value = answer.json().await?;
    ensure!(problem["type"] == "urn:ashlar:problem:outcome-unknown", "{problem:#}");
    ensure!(!taken.await??, "it was sent again");
    edge.stop().await;
    Ok(())
}

/// A gateway before an owner that answers one request so, and closes its connection.
async fn before_one_that_says(answer: impl Into<Vec<u8>>) -> anyhow::Result<Edge> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let owner = format!("http://{}", listener.local_addr()?);
    let edge = Edge::before(&owner).await?;
    let answer = answer.into();
    tokio::spawn(async move { accept(&listener).await?.write_all(&answer).await });
    Ok(edge)
}

/// An answer that breaks off must not look whole to the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() -> anyhow::Result<()> {
    let edge =
        before_one_that_says(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nhalf").await?;
    // The break may reach the client with the head of the answer or after it.
    let whole = match client()?.get(edge.public("/v1/billing/plans")).send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    ensure!(!whole, "half an answer was passed off as a whole one");
    edge.stop().await;
    Ok(())
}

/// A short one is read before any of it is passed on, so that there is still something to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_answer_that_breaks_off_is_a_problem() -> anyhow::Result<()> {
    let edge = before_one_that_says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await?;
    let answer = client()?.get(edge.public("/v1/billing/plans")).send().await?;
    ensure!(answer.status() == 503, "{answer:?}");
    let problem: serde_json::Value = answer.json().await?;
    ensure!(problem["type"] == "urn:ashlar:problem:outcome-unknown", "{problem:#}");
    edge.stop().await;
    Ok(())
}

/// In one piece with its head, and so without a wait for an acknowledgement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_keeps_its_length() -> anyhow::Result<()> {
    let edge = before_one_that_says(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole").await?;
    let answer = client()?.get(edge.public("/v1/billing/plans")).send().await?;
    let headers = answer.headers();
    ensure!(headers.get("content-length").is_some_and(|length| length == "5"), "{headers:?}");
    ensure!(!headers.contains_key("transfer-encoding"), "{headers:?}");
    ensure!(answer.text().await? == "whole");
    edge.stop().await;
    Ok(())
}

/// A long one goes through as it comes, and has its length all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_keeps_its_length_too() -> anyhow::Result<()> {
    const LENGTH: usize = 100_000;

    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + LENGTH, b'a');
    let edge = before_one_that_says(answer).await?;
    let answer = client()?.get(edge.public("/v1/billing/plans")).send().await?;
    let headers = answer.headers();
    let length = LENGTH.to_string();
    ensure!(headers.get("content-length").is_some_and(|told| *told == *length), "{headers:?}");
    ensure!(!headers.contains_key("transfer-encoding"), "{headers:?}");
    ensure!(answer.bytes().await?.len() == LENGTH);
    edge.stop().await;
    Ok(())
}

/// The owner is asked for a GET (RFC 9110 §9.3.2), and the client has the head of its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_the_head_of_a_get() -> anyhow::Result<()> {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-owner: a\r\n\r\nwhole";
    let edge = before_one_that_says(answer).await?;
    let address = edge.public("").replace("http://", "");
    let mut connection = tokio::net::TcpStream::connect(address).await?;
    let ask = b"HEAD /v1/billing/plans HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    connection.write_all(ask).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    ensure!(answer.contains("x-owner: a") && answer.ends_with("\r\n\r\n"), "{answer}");
    edge.stop().await;
    Ok(())
}

/// What follows the head of a 204 is read as the beginning of the next answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_a_body_leaves_the_connection_whole() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let owner = format!("http://{}", listener.local_addr()?);
    let edge = Edge::before(&owner).await?;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await?;
            connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await?;
        }
        std::io::Result::Ok(())
    });
    let address = edge.public("").replace("http://", "");
    let mut connection = tokio::net::TcpStream::connect(address).await?;
    let ask = b"POST /v1/billing/x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let last =
        b"POST /v1/billing/x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    connection.write_all(ask).await?;
    connection.write_all(last).await?;
    let mut answers = String::new();
    connection.read_to_string(&mut answers).await?;
    let heads: Vec<&str> = answers.split_inclusive("\r\n\r\n").collect();
    ensure!(heads.len() == 2, "{answers}");
    ensure!(heads.iter().all(|head| head.starts_with("HTTP/1.1 204")), "{answers}");
    edge.stop().await;
    Ok(())
}
