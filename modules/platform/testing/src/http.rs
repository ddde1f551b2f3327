//! A port over real HTTP: a listener on a free port of this machine, signed tokens, pooled
//! connections.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{HttpServer, dev::ServerHandle};
use kernel::SystemClock;
use remote::{HttpClient, HttpTransport, Remote};
use seam::{Dispatch, ServedPort, Transport};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::{net::TcpSocket, runtime::Handle};

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

/// A place on this machine where a service is, or is not.
pub struct PortServer {
    service: String,
    address: SocketAddr,
    key: Arc<SigningKey>,
    running: Mutex<Option<ServerHandle>>,
    /// Bound and not listening: the port is nobody else's, and connections to it are refused.
    _reserved: TcpSocket,
}

impl PortServer {
    /// A free port for `service`, at which nobody listens yet.
    ///
    /// # Panics
    /// Where no port is to be had.
    #[must_use]
    pub fn new(service: &str) -> Self {
        let reserve = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            std::io::Result::Ok((socket.local_addr()?, socket))
        };
        let (address, reserved) = reserve().expect("a free port");
        Self {
            service: service.to_owned(),
            address,
            key: Arc::new(SigningKey::generate().expect("a key")),
            running: Mutex::default(),
            _reserved: reserved,
        }
    }

    /// Leads there, whether anybody listens or not.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        let client = HttpClient::new(Handle::current()).expect("a client");
        let signer = HopSigner::new(Arc::clone(&self.key), CALLER, Arc::new(SystemClock));
        let urls = vec![format!("http://{}", self.address)];
        let remote = Remote { service: self.service.clone(), urls };
        Arc::new(HttpTransport::new(remote, client, Arc::new(signer)).expect("a transport"))
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
        let listener = TcpListener::bind(self.address).expect("the port that is reserved");
        let server = HttpServer::new(move || web::internal_app(routes.clone()))
            .workers(1)
            .disable_signals()
            .h1_allow_half_closed(web::HALF_CLOSED)
            .listen(listener)
            .expect("a listener")
            .run();
        *self.running() = Some(server.handle());
        tokio::spawn(server);
    }

    /// Ends it like a kill: what is under way is cut off.
    ///
    /// # Panics
    /// Where it is not up.
    pub async fn stop(&self) {
        const GRACEFULLY: bool = false;
        let running = self.running().take().expect("it is up");
        running.stop(GRACEFULLY).await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<ServerHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
