//! A way between two programs on which it can storm.
//!
//! A program is told the proxy's address instead of the other program's. In clear weather bytes pass
//! as they are; any other [`Weather`] changes what happens to the connections that are open and to
//! those that come, from one moment to the next.
//!
//! *Invariant*: the proxy knows nothing of HTTP but what it forges.

mod carry;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What the way is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Bytes pass.
    Clear,
    /// New connections are refused, and open ones reset.
    Cut,
    /// Every chunk arrives this much later, in either direction.
    Slow(Duration),
    /// Nothing arrives any more, and nobody is told: connections stay open.
    Silent,
    /// Requests pass; their answers are broken off by a reset after so many bytes.
    ResetAfter(usize),
    /// Requests pass; instead of their answers come bytes that are no HTTP.
    Noise,
    /// Requests pass; instead of their answers comes somebody else's page.
    Stranger,
}

/// A listener whose connections lead to another one. Dropping it closes them.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    sky: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

/// What a proxy and its connections share.
#[derive(Debug, Default)]
struct Way {
    target: Mutex<Option<SocketAddr>>,
    touched: AtomicU64,
}

impl Way {
    fn target(&self) -> Option<SocketAddr> {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bad weather has done something to a connection.
    fn touch(&self) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }
}

impl Proxy {
    /// Listens on a free port of loopback, in clear weather, and leads nowhere yet.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let way = Arc::new(Way::default());
        let (sky, seen) = watch::channel(Weather::Clear);
        let task = tokio::spawn(serve(listener, address, Arc::clone(&way), seen));
        Ok(Self { address, way, sky, task })
    }

    /// Where a program is to find the other one.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads to `target` from now on; connections that are open stay as they are.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.way.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    /// Changes the weather, at once and for all connections.
    pub fn set(&self, weather: Weather) {
        self.sky.send_replace(weather);
    }

    /// How often bad weather has done something to a connection so far. Connections that are
    /// refused are not among them: the system refuses those.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.way.touched.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut listener: TcpListener,
    address: SocketAddr,
    way: Arc<Way>,
    mut sky: watch::Receiver<Weather>,
) {
    let mut connections = JoinSet::new();
    loop {
        if *sky.borrow_and_update() == Weather::Cut {
            drop(listener);
            match reopened(address, &mut sky).await {
                Some(again) => listener = again,
                None => return,
            }
        }
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(carry::carry(client, Arc::clone(&way), sky.clone()));
                }
            }
            changed = sky.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Refuses connections until it is no longer cut. The port is kept: a socket that is bound and does
/// not listen refuses, and nobody else can take its place.
async fn reopened(address: SocketAddr, sky: &mut watch::Receiver<Weather>) -> Option<TcpListener> {
    const BACKLOG: u32 = 1024;
    let socket = loop {
        match bound(address) {
            Ok(socket) => break socket,
            // Connections of the former listener are still being taken down.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    sky.wait_for(|weather| *weather != Weather::Cut).await.ok()?;
    socket.listen(BACKLOG).ok()
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(REUSE)?;
    socket.bind(address)?;
    Ok(socket)
}

const REUSE: bool = true;
