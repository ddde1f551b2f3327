//! A way to the broker that can be cut, held up, and spoken into.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::Secret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
};

/// Passes on what goes through, as it is told.
pub(crate) struct Proxy {
    address: SocketAddr,
    url: String,
    mode: watch::Sender<Mode>,
    /// One for each connection, to its client.
    voices: Arc<Mutex<Vec<mpsc::UnboundedSender<Vec<u8>>>>>,
    _serving: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// What the broker says does not come through.
    Deaf,
    /// Connections break, and new ones end at once.
    Cut,
}

impl Proxy {
    pub(crate) async fn to_the_broker() -> Self {
        let url = testing::rabbitmq_url();
        let authority = url.split(['/', '@']).find(|part| part.contains(':') && *part != "amqp:");
        let host = url.split('@').nth(1).or(authority).and_then(|rest| rest.split('/').next());
        let host = host.expect("host:port in the URL").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let through = url.replace(&host, &address.to_string());
        let mode = watch::Sender::new(Mode::Open);
        let voices = Arc::<Mutex<Vec<_>>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, host, mode.clone(), Arc::clone(&voices)));
        Self { address, url: through, mode, voices, _serving: serving }
    }

    pub(crate) fn url(&self) -> Secret {
        assert!(self.url.contains(&self.address.to_string()), "the broker's port is in its URL");
        Secret::new(self.url.as_str())
    }

    /// Breaks all connections, and lets none come about.
    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Lets what clients say through, and nothing back.
    pub(crate) fn deafen(&self) {
        self.mode.send_replace(Mode::Deaf);
    }

    /// As at the beginning.
    pub(crate) fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Says something to all clients in the broker's name. Where the broker is silent otherwise,
    /// this is between two frames.
    pub(crate) fn say(&self, frame: &[u8]) {
        for voice in self.voices.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A connection that is gone hears nothing.
            let _ = voice.send(frame.to_vec());
        }
    }
}

async fn accept(
    listener: TcpListener,
    host: String,
    mode: watch::Sender<Mode>,
    voices: Arc<Mutex<Vec<mpsc::UnboundedSender<Vec<u8>>>>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        if *mode.borrow() == Mode::Cut {
            continue;
        }
        let broker = TcpStream::connect(&host).await.expect("the broker");
        let (voice, spoken) = mpsc::unbounded_channel();
        voices.lock().unwrap_or_else(PoisonError::into_inner).push(voice);
        let (from_client, to_client) = client.into_split();
        let (from_broker, to_broker) = broker.into_split();
        let mut cut = mode.subscribe();
        let heard = mode.subscribe();
        connections.spawn(async move {
            tokio::select! {
                // First, so that a cut lets nothing through that was held back until then.
                biased;
                _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
                () = pass_on(from_client, to_broker) => {}
                () = answer(from_broker, to_client, spoken, heard) => {}
            }
        });
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // Either side may break; the other then sees it too.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut spoken: mpsc::UnboundedReceiver<Vec<u8>>,
    mut mode: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if mode.wait_for(|mode| *mode == Mode::Open).await.is_err() {
            return;
        }
        let said = tokio::select! {
            biased;
            _ = mode.changed() => continue,
            Some(frame) = spoken.recv() => frame,
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(read) => buffer[..read].to_vec(),
            },
        };
        if to.write_all(&said).await.is_err() {
            return;
        }
    }
}
