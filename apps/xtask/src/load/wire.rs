//! What goes between programs and PostgreSQL, counted on the way.
//!
//! *Invariant*: every byte is passed on as it is. A proxy costs time and processor, so nothing else is
//! measured while it counts.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A way to a PostgreSQL server on which what passes is counted. Dropping it closes its connections.
#[derive(Debug)]
pub(super) struct Wire {
    address: SocketAddr,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counters {
    round_trips: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// How often the server said that it is ready for the next: programs wait for that.
    pub(super) round_trips: u64,
    /// Bytes to the server.
    pub(super) sent: u64,
    /// Bytes from it.
    pub(super) received: u64,
}

impl Wire {
    /// Leads from a free port of loopback to `server`.
    pub(super) async fn lay(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let task = tokio::spawn(serve(listener, server, Arc::clone(&counters)));
        Ok(Self { address, counters, task })
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn passed(&self) -> Passed {
        let Counters { round_trips, sent, received } = &*self.counters;
        let [round_trips, sent, received] =
            [round_trips, sent, received].map(|counter| counter.load(Ordering::Relaxed));
        Passed { round_trips, sent, received }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, counters: Arc<Counters>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(carry(client, server, Arc::clone(&counters)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn carry(client: TcpStream, server: SocketAddr, counters: Arc<Counters>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let mut answers = Answers::default();
    let up = pass(&mut from_client, &mut to_server, |bytes| {
        counters.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    let down = pass(&mut from_server, &mut to_client, |bytes| {
        counters.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        counters.round_trips.fetch_add(answers.ready_in(bytes), Ordering::Relaxed);
    });
    // Whoever ends first ends it for both.
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut count: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        count(&buffer[..read]);
        to.write_all(&buffer[..read]).await?;
    }
}

/// Reads the frames of a server's answers: a letter, and four bytes of length that count themselves
/// (<https://www.postgresql.org/docs/15/protocol-message-formats.html>).
#[derive(Debug, Default)]
struct Answers {
    has_begun: bool,
    /// Of a frame that has begun: its letter and what is known of its length.
    head: Vec<u8>,
    /// Bytes of a frame that are still to come.
    left: usize,
}

impl Answers {
    /// How many frames of `bytes` say that the server is ready for the next query.
    fn ready_in(&mut self, mut bytes: &[u8]) -> u64 {
        // The answer to a client that asks for TLS is one letter and no frame.
        if let (false, Some((b'N' | b'S', rest))) = (self.has_begun, bytes.split_first()) {
            bytes = rest;
        }
        self.has_begun = true;
        let mut ready = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (5 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let [letter, length @ ..] = self.head.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                ready += u64::from(*letter == b'Z');
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                self.head.clear();
            }
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(letter: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("it is short");
        [&[letter][..], &length.to_be_bytes(), body].concat()
    }

    /// A refusal of TLS, then a parameter, a row that has the letter in it, and twice "ready".
    fn answers() -> Vec<u8> {
        let ready = frame(b'Z', b"I");
        [vec![b'N'], frame(b'S', b"a\0b\0"), ready.clone(), frame(b'D', b"ZZZZZZ"), ready].concat()
    }

    #[test]
    fn what_is_ready_is_counted_however_the_bytes_are_cut() {
        let bytes = answers();
        for size in 1..=bytes.len() {
            // The letter that refuses TLS comes alone: the client waits for it.
            let mut answers = Answers::default();
            let first = answers.ready_in(&bytes[..1]);
            let rest: u64 = bytes[1..].chunks(size).map(|chunk| answers.ready_in(chunk)).sum();
            assert_eq!(first + rest, 2, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn bytes_pass_as_they_are_and_are_counted() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Wire::lay(listener.local_addr()?).await?;
        let mut client = TcpStream::connect(("127.0.0.1", wire.port())).await?;
        let (mut server, _) = listener.accept().await?;
        client.write_all(b"question").await?;
        let mut question = [0; 8];
        server.read_exact(&mut question).await?;
        server.write_all(&answers()).await?;
        let mut heard = vec![0; answers().len()];
        client.read_exact(&mut heard).await?;
        assert_eq!((&question[..], heard), (&b"question"[..], answers()));
        let received = answers().len() as u64;
        assert_eq!(wire.passed(), Passed { round_trips: 2, sent: 8, received });
        Ok(())
    }
}
