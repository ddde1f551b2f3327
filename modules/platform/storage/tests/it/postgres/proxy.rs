//! Stands between a store and its server and counts what the store asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use storage::PostgresConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// What went from the client to the server (PostgreSQL's documentation, "Message Formats").
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Times that the client has said all and waits: a Query or a Sync.
    exchanges: AtomicU64,
    /// Statements to be planned.
    parsed: AtomicU64,
    /// Planned statements to be forgotten.
    closed: AtomicU64,
    /// See [`Proxy::lose_slowly`].
    is_losing: AtomicBool,
}

/// How long a connection that is lost slowly stands still first.
pub(crate) const SLOWLY: Duration = Duration::from_millis(400);

impl Counts {
    pub(crate) fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::SeqCst)
    }

    pub(crate) fn parsed(&self) -> u64 {
        self.parsed.load(Ordering::SeqCst)
    }

    pub(crate) fn closed(&self) -> u64 {
        self.closed.load(Ordering::SeqCst)
    }

    fn note(&self, kind: u8, body: &[u8]) {
        let counter = match kind {
            b'Q' | b'S' => &self.exchanges,
            b'P' => &self.parsed,
            // Close, of a statement rather than of a portal.
            b'C' if body.first() == Some(&b'S') => &self.closed,
            _ => return,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

/// A running proxy; its connections end with it.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) counts: Arc<Counts>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn before(server: &PostgresConfig) -> Self {
        let place = server.url.split_once("://").expect("an address").1.split('/').next();
        let (host, port) = place.and_then(|place| place.split_once(':')).expect("a host and port");
        let server = (host.to_owned(), port.parse::<u16>().expect("a port"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let there = (server.0.as_str(), server.1);
                let server = TcpStream::connect(there).await.expect("the server");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                connections.spawn(count(from_client, to_server, Arc::clone(&counted)));
                connections.spawn(pass_on(from_server, to_client));
            }
        });
        Self { port, counts, _accepting: accepting }
    }

    /// From now on connections are made, stand still at what is first asked over them, and are lost.
    pub(crate) fn lose_slowly(&self) {
        self.counts.is_losing.store(true, Ordering::SeqCst);
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // A connection that ends is none of its business.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Passes the client's messages on, each counted before it goes.
async fn count(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Arc<Counts>) {
    let passed = async {
        // The first message has no kind.
        let (length, start) = message(&mut from).await?;
        to.write_all(&[&length[..], &start].concat()).await?;
        loop {
            let kind = from.read_u8().await?;
            let (length, body) = message(&mut from).await?;
            counts.note(kind, &body);
            if matches!(kind, b'Q' | b'S') && counts.is_losing.load(Ordering::SeqCst) {
                tokio::time::sleep(SLOWLY).await;
                return Ok(());
            }
            to.write_all(&[&[kind], &length[..], &body].concat()).await?;
        }
    };
    let _: std::io::Result<()> = passed.await;
}

/// The length, which counts itself, and what follows it.
async fn message(from: &mut OwnedReadHalf) -> std::io::Result<([u8; 4], Vec<u8>)> {
    let length = from.read_u32().await?;
    let mut body = vec![0; (length as usize).saturating_sub(4)];
    from.read_exact(&mut body).await?;
    Ok((length.to_be_bytes(), body))
}
