//! The least that can be called an HTTP server, which misbehaves as it is told.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// At once, with this status.
    Answers(u16),
    /// At once, but for a second that begins one second after the first request: what comes then is
    /// answered at its end.
    StandsStill,
    /// Never.
    Hangs,
    /// By closing the connection.
    HangsUp,
}

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(serve(listener, manner)) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, manner: Manner) {
    let first = Arc::new(OnceLock::new());
    while let Ok((stream, _)) = listener.accept().await {
        let first = Arc::clone(&first);
        tokio::spawn(async move {
            // The client has gone away.
            let _gone = answer(stream, manner, &first).await;
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    manner: Manner,
    first: &OnceLock<Instant>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4_096];
    let mut read = 0;
    loop {
        read += match stream.read(&mut buffer[read..]).await? {
            0 => return Ok(()),
            more => more,
        };
        // Requests without a body, one after the other.
        if !buffer[..read].ends_with(b"\r\n\r\n") {
            continue;
        }
        read = 0;
        let status = match manner {
            Manner::Answers(status) => status,
            Manner::StandsStill => {
                let from = *first.get_or_init(Instant::now) + Duration::from_secs(1);
                let to = from + Duration::from_secs(1);
                if (from..to).contains(&Instant::now()) {
                    tokio::time::sleep_until(to.into()).await;
                }
                200
            }
            Manner::Hangs => return std::future::pending().await,
            Manner::HangsUp => return Ok(()),
        };
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n{{}}");
        stream.write_all(text.as_bytes()).await?;
    }
}
