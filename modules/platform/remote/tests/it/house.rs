//! A caller and a callee, and one of the ways between them.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpServer, dev::ServerHandle};
use kernel::{CallContext, CallId, Principal, Role, SystemClock, TenantId, UserId};
use remote::{HttpClient, HttpTransport, Remote};
use seam::{Dispatch, Loopback, Port, Repeat, ServedPort, Slot};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::{
    net::TcpSocket,
    runtime::{Handle, Runtime},
    sync::mpsc,
};
use uuid::Uuid;

use crate::{
    ledger::{Ledger, LedgerApi},
    within,
};

/// The way that calls take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// Every call arrives twice.
    Loopback,
    Http,
    /// As from a web worker: the client's connections live on another runtime.
    HttpFromWorker,
}

/// A callee that is up or down, and a client that leads to it.
pub(crate) struct House {
    pub(crate) client: Arc<dyn LedgerApi>,
    pub(crate) ledger: Arc<Ledger>,
    callee: Callee,
    /// Dropped last, and never inside another runtime.
    _main: Option<MainRuntime>,
}

enum Callee {
    InProcess(Slot<dyn LedgerApi>),
    Http(Server),
}

impl House {
    /// A house whose callee is up.
    pub(crate) async fn open(way: Way) -> Self {
        let mut house = Self::closed(way);
        house.start().await;
        house
    }

    /// A house whose callee is not up yet.
    pub(crate) fn closed(way: Way) -> Self {
        let slot = Slot::empty();
        let ledger = Arc::<Ledger>::default();
        let (client, callee, main) = match way {
            Way::Direct => (<dyn LedgerApi>::direct(slot.clone()), Callee::InProcess(slot), None),
            Way::Loopback => {
                let server = <dyn LedgerApi>::server(slot.clone());
                let loopback = Loopback::new("ledger", server, Repeat::Always);
                (<dyn LedgerApi>::remote(Arc::new(loopback)), Callee::InProcess(slot), None)
            }
            Way::Http | Way::HttpFromWorker => {
                let main = (way == Way::HttpFromWorker).then(MainRuntime::new);
                let handle = main.as_ref().map_or_else(Handle::current, MainRuntime::handle);
                let (server, transport) = http(handle);
                (<dyn LedgerApi>::remote(transport), Callee::Http(server), main)
            }
        };
        Self { client, ledger, callee, _main: main }
    }

    pub(crate) async fn start(&mut self) {
        let ledger: Arc<dyn LedgerApi> = self.ledger.clone();
        match &mut self.callee {
            Callee::InProcess(slot) => assert!(slot.fill(ledger), "it is up already"),
            Callee::Http(server) => server.start(<dyn LedgerApi>::server(Slot::filled(ledger))),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.callee {
            Callee::InProcess(_) => panic!("this callee listens nowhere"),
            Callee::Http(server) => server.place.address,
        }
    }

    /// Only what is a process of its own can go down again.
    pub(crate) async fn stop(&mut self) {
        match &mut self.callee {
            Callee::InProcess(_) => panic!("this callee lives and dies with its caller"),
            Callee::Http(server) => server.stop().await,
        }
    }
}

/// An address that nobody listens at.
pub(crate) struct Reserved {
    pub(crate) address: SocketAddr,
    /// Bound and not listening: the port is nobody else's, and connections to it are refused.
    _socket: TcpSocket,
}

impl Reserved {
    pub(crate) fn new() -> Self {
        let reserve = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            std::io::Result::Ok(Self { address: socket.local_addr()?, _socket: socket })
        };
        reserve().expect("a free port")
    }
}

/// An address with a server at it, or with none.
pub(crate) struct Server {
    place: Reserved,
    verifier_key: Arc<SigningKey>,
    running: Option<Running>,
}

struct Running {
    handle: ServerHandle,
    /// Closed once the last connection is gone: each holds the other end.
    gone: mpsc::Receiver<()>,
}

/// A server that is still down, and the transport to it.
pub(crate) fn http(runtime: Handle) -> (Server, Arc<HttpTransport>) {
    let place = Reserved::new();
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let transport = transport([place.address], Arc::clone(&key), runtime);
    (Server { place, verifier_key: key, running: None }, transport)
}

/// A transport to these addresses, signing as `monolith` with `key`.
pub(crate) fn transport(
    addresses: impl IntoIterator<Item = SocketAddr>,
    key: Arc<SigningKey>,
    runtime: Handle,
) -> Arc<HttpTransport> {
    let urls = addresses.into_iter().map(|address| format!("http://{address}")).collect();
    let signer = HopSigner::new(key, "monolith", Arc::new(SystemClock));
    let client = HttpClient::new(runtime).expect("a client");
    let remote = Remote { service: "ledger".to_owned(), urls };
    Arc::new(HttpTransport::new(remote, client, Arc::new(signer)).expect("a transport"))
}

impl Server {
    pub(crate) fn start(&mut self, dispatch: Arc<dyn Dispatch>) {
        let trust = TrustStore::fixed([("monolith", self.verifier_key.public_jwk())]);
        let verifier = HopVerifier::new(trust.expect("trust"), Arc::new(SystemClock));
        let ports = vec![ServedPort { service: "ledger".to_owned(), dispatch }];
        let routes = web::internal::ports(ports, verifier);
        let listener = TcpListener::bind(self.place.address).expect("the same port again");
        let (here, gone) = mpsc::channel::<()>(1);
        let server =
            HttpServer::new(move || web::internal_app(routes.clone()).app_data(here.clone()))
                .workers(1)
                .disable_signals()
                .h1_allow_half_closed(web::HALF_CLOSED)
                .listen(listener)
                .expect("a listener")
                .run();
        self.running = Some(Running { handle: server.handle(), gone });
        tokio::spawn(server);
    }

    /// Like a kill: what is running is cut off, and nothing is answered from here on.
    ///
    /// To have told the workers to stop is not enough: until they do, they answer.
    pub(crate) async fn stop(&mut self) {
        const GRACEFULLY: bool = false;
        let Running { handle, mut gone } = self.running.take().expect("it is up");
        handle.stop(GRACEFULLY).await;
        assert_eq!(within(gone.recv()).await, None, "nothing is ever sent");
    }
}

/// A runtime beside the test's own.
struct MainRuntime(Option<Runtime>);

impl MainRuntime {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        Self(Some(runtime))
    }

    fn handle(&self) -> Handle {
        self.0.as_ref().expect("there until dropped").handle().clone()
    }
}

impl Drop for MainRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn user() -> Principal {
    Principal::User {
        user: UserId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(2)),
        role: Role::Admin,
    }
}

/// A caller with time enough.
pub(crate) fn context() -> CallContext {
    context_with(Duration::from_secs(30))
}

pub(crate) fn context_with(allowed: Duration) -> CallContext {
    CallContext::new(user(), CallId::random(), allowed)
}
