//! Waits until a program answers `GET /health/ready` with 200.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A debug build on a busy machine, with migrations to apply, has taken seconds.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(5);
/// A program that accepts and does not answer is asked anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Waits for the program behind `port`, as long as it `lives`.
pub(super) async fn wait(port: u16, lives: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    let mut last = "it does not listen yet".to_owned();
    loop {
        if !lives() {
            bail!("it ended");
        }
        match tokio::time::timeout(ANSWER_WITHIN, status(port, "/health/ready")).await {
            Ok(Ok(200)) => return Ok(()),
            Ok(Ok(status)) => last = format!("/health/ready answered {status}"),
            Ok(Err(_)) => {}
            Err(_) => last = "/health/ready did not answer".to_owned(),
        }
        if begun.elapsed() > PATIENCE {
            bail!("{last} after {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The status of a `GET`, by hand: an HTTP client is not worth its compiling here.
pub(crate) async fn status(port: u16, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("no HTTP status"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection with the next of `answers`, the last one for good.
    async fn server(answers: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move {
            for answer in answers.iter().chain(answers.last().into_iter().cycle()) {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let mut request = [0; 256];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn it_asks_until_the_program_is_ready() {
        let port = server(&[
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "garbage\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ])
        .await;
        wait(port, || true).await.expect("the third answer is 200");
    }

    #[tokio::test]
    async fn it_does_not_wait_for_a_program_that_ended() {
        let port = server(&["HTTP/1.1 503 Service Unavailable\r\n\r\n"]).await;
        let error = wait(port, || false).await.expect_err("it is gone");
        assert_eq!(error.to_string(), "it ended");
    }
}
