//! A caller and a callee, and one of the ways between them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use kernel::{CallContext, CallId, Principal, Role, TenantId, UserId};
use seam::{Loopback, Port, Repeat, Slot};
use testing::PortServer;
use tokio::runtime::{Handle, Runtime};
use uuid::Uuid;

use crate::ledger::{Ledger, LedgerApi};

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
    Http(PortServer),
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
                let server = PortServer::new("ledger");
                let client = <dyn LedgerApi>::remote(server.transport_on(handle));
                (client, Callee::Http(server), main)
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
            Callee::Http(server) => server.address(),
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
