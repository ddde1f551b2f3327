//! A port over real HTTP: a listener on a free port of this machine, signed tokens, pooled
//! connections.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpServer, dev::ServerHandle};
use kernel::SystemClock;
use remote::{HttpClient, HttpTransport, Remote};
use seam::{Dispatch, ServedPort, Transport};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::{net::TcpSocket, runtime::Handle, sync::mpsc};

/// The program that calls, as its token names it.
const CALLER: &str = "caller";

/// Serves `dispatch` as `service` for as long as the test's runtime lives, and leads there.
///
/// # Panics
/// Outside of a runtime, or where no port is to be had.
pub(crate) fn serve(service: &str, dispatch: Arc<dyn Dispatch>) -> Arc<dyn Transport> {
    let server = PortServer::new(service);
    server.start(dispatch);
    server.transport()
}

/// Leads to `service` at `addresses`, its connections on `runtime`, its tokens signed with `key`.
///
/// # Panics
/// Where TLS cannot be set up.
pub fn transport_to(
    service: &str,
    addresses: impl IntoIterator<Item = SocketAddr>,
    key: Arc<SigningKey>,
    runtime: Handle,
) -> Arc<dyn Transport> {
    let urls = addresses.into_iter().map(|address| format!("http://{address}")).collect();
    let client = HttpClient::new(runtime).expect("a client");
    let signer = HopSigner::new(key, CALLER, Arc::new(SystemClock));
    let remote = Remote { service: service.to_owned(), urls };
    Arc::new(HttpTransport::new(remote, client, Arc::new(signer)).expect("a transport"))
}

/// An address of this machine that nobody listens at.
pub struct Reserved {
    address: SocketAddr,
    /// Bound and not listening: the port is nobody else's, and connections to it are refused.
    _socket: TcpSocket,
}

impl Reserved {
    /// # Panics
    /// Where no port is to be had.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes a port of the machine")]
    pub fn new() -> Self {
        let reserve = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            std::io::Result::Ok(Self { address: socket.local_addr()?, _socket: socket })
        };
        reserve().expect("a free port")
    }

    /// Where nobody listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A place on this machine where a service is, or is not.
pub struct PortServer {
    service: String,
    place: Reserved,
    key: Arc<SigningKey>,
    running: Mutex<Option<Running>>,
}

struct Running {
    handle: ServerHandle,
    /// Closed once the last connection is gone: each holds the other end.
    gone: mpsc::Receiver<()>,
}

impl PortServer {
    /// A free port for `service`, at which nobody listens yet.
    ///
    /// # Panics
    /// Where no port is to be had.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            place: Reserved::new(),
            key: Arc::new(SigningKey::generate().expect("a key")),
            running: Mutex::default(),
        }
    }

    /// Where it listens, or would.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Leads there, whether anybody listens or not.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        self.transport_on(Handle::current())
    }

    /// Leads there as from a web worker: its connections live on `runtime`.
    #[must_use]
    pub fn transport_on(&self, runtime: Handle) -> Arc<dyn Transport> {
        transport_to(&self.service, [self.address()], Arc::clone(&self.key), runtime)
    }

    /// Serves `dispatch`, until it is stopped or the test's runtime ends.
    ///
    /// # Panics
    /// Where it is up already.
    pub fn start(&self, dispatch: Arc<dyn Dispatch>) {
        let trust = TrustStore::fixed([(CALLER, self.key.public_jwk())]).expect("a trust store");
        let verifier = HopVerifier::new(trust, Arc::new(SystemClock));
        let ports = vec![ServedPort { service: self.service.clone(), dispatch }];
        let routes = web::internal::ports(ports, verifier);
        let listener = TcpListener::bind(self.address()).expect("the port that is reserved");
        let (here, gone) = mpsc::channel::<()>(1);
        let server =
            HttpServer::new(move || web::internal_app(routes.clone()).app_data(here.clone()))
                .workers(1)
                .disable_signals()
                .h1_allow_half_closed(web::HALF_CLOSED)
                .listen(listener)
                .expect("a listener")
                .run();
        *self.running() = Some(Running { handle: server.handle(), gone });
        tokio::spawn(server);
    }

    /// Ends it like a kill: what is under way is cut off, and nothing is answered from here on.
    ///
    /// To have told its worker to stop is not enough: until it does, it answers.
    ///
    /// # Panics
    /// Where it is not up.
    pub async fn stop(&self) {
        const GRACEFULLY: bool = false;
        let Running { handle, mut gone } = self.running().take().expect("it is up");
        handle.stop(GRACEFULLY).await;
        let None = gone.recv().await else { unreachable!("nothing is ever sent") };
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
