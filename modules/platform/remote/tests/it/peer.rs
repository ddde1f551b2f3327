//! A peer that follows a script instead of HTTP.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// What the peer does with a request that it has read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Closes the connection without a word.
    Close,
    /// Resets it in the middle of the body.
    ResetInBody,
    /// Ends it in the middle of the body.
    EndInBody,
    /// Says this and closes.
    Say(&'static str),
    /// Answers as a port: outcome and body.
    Answer(&'static str, &'static str),
    /// Says nothing and waits until the caller hangs up.
    Hang,
    /// Closes, and is never heard of again.
    Die,
}

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    /// Told when a caller has hung up on [`Act::Hang`].
    pub(crate) hung_up: Arc<Notify>,
    /// Told when a request is being left to hang.
    pub(crate) hanging: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Peer {
    /// Follows `script`, request by request, and its last act for ever after.
    pub(crate) async fn following(script: &'static [Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let (hung_up, hanging) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let accepting = {
            let (requests, connections) = (Arc::clone(&requests), Arc::clone(&connections));
            let (hung_up, hanging) = (Arc::clone(&hung_up), Arc::clone(&hanging));
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    while let Some(request) = read_request(&mut stream).await {
                        let act = {
                            let mut requests = requests.lock().expect("no panic");
                            requests.push(request);
                            script[(requests.len() - 1).min(script.len() - 1)]
                        };
                        match act {
                            Act::Die => return,
                            Act::Hang => {
                                hanging.notify_one();
                                let _ = stream.read(&mut [0]).await;
                                hung_up.notify_one();
                                break;
                            }
                            act if perform(act, &mut stream).await => {}
                            _ => break,
                        }
                    }
                }
            })
        };
        Self { address, requests, connections, hung_up, hanging, accepting }
    }

    /// What came in, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns whether the connection is still good.
async fn perform(act: Act, stream: &mut TcpStream) -> bool {
    let say = match act {
        Act::Close | Act::Hang | Act::Die => return false,
        Act::Say(text) => text.to_owned(),
        Act::ResetInBody | Act::EndInBody => {
            "HTTP/1.1 200 OK\r\nx-call-outcome: done\r\ncontent-length: 100\r\n\r\n{".to_owned()
        }
        Act::Answer(outcome, body) => format!(
            "HTTP/1.1 200 OK\r\nx-call-outcome: {outcome}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    };
    let written = stream.write_all(say.as_bytes()).await;
    if matches!(act, Act::ResetInBody) {
        stream.set_zero_linger().expect("a socket option");
    }
    written.is_ok() && matches!(act, Act::Answer(..))
}

/// `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    let head = loop {
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    while read.len() < head + length {
        stream.read_buf(&mut read).await.ok()?;
    }
    String::from_utf8(read).ok()
}
