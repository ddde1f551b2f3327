//! The bus contract, over the buses that call the receiver: in process, and over HTTP.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use kernel::CallContext;
use module::{Placement, PortBus, Ports};
use seam::{
    CallFailure, DeliveryError, EventBatch, EventBus, EventInbox, Port, Receipt, Repeat, Slot,
};
use testing::{PortServer, bus_contract::BusBed};

const MODULES: [&str; 2] = ["reader", "archive"];

/// Modules of this process.
struct InProcess {
    ports: Ports,
    doors: BTreeMap<&'static str, Arc<Door>>,
}

/// A module's inbox while the module is up.
#[derive(Default)]
struct Door(Mutex<Option<Arc<dyn EventInbox>>>);

#[async_trait]
impl EventInbox for Door {
    async fn deliver(
        &self,
        ctx: &CallContext,
        batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        let inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let inbox = inbox.ok_or_else(|| CallFailure::unavailable("events"))?;
        inbox.deliver(ctx, batch).await
    }
}

impl Door {
    fn leads_to(&self, inbox: Option<Arc<dyn EventInbox>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = inbox;
    }
}

async fn in_process(placement: Placement) -> InProcess {
    let ports = Ports::new(MODULES.map(|module| (module.to_owned(), placement.clone())));
    let doors = MODULES.map(|module| {
        let door = Arc::<Door>::default();
        ports.provide_inbox(module, door.clone()).expect("the first one");
        (module, door)
    });
    InProcess { ports, doors: doors.into() }
}

#[async_trait]
impl BusBed for InProcess {
    fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(PortBus::new(self.ports.clone(), "counter"))
    }

    async fn start(&self, module: &str, inbox: Arc<dyn EventInbox>) {
        self.doors[module].leads_to(Some(inbox));
    }

    async fn stop(&self, module: &str) {
        self.doors[module].leads_to(None);
    }
}

/// Modules of other processes.
struct OverHttp {
    ports: Ports,
    servers: BTreeMap<&'static str, PortServer>,
}

async fn over_http() -> OverHttp {
    let servers = BTreeMap::from(MODULES.map(|module| (module, PortServer::new(module))));
    let placed = servers
        .iter()
        .map(|(module, server)| ((*module).to_owned(), Placement::Remote(server.transport())));
    OverHttp { ports: Ports::new(placed), servers }
}

#[async_trait]
impl BusBed for OverHttp {
    fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(PortBus::new(self.ports.clone(), "counter"))
    }

    async fn start(&self, module: &str, inbox: Arc<dyn EventInbox>) {
        self.servers[module].start(<dyn EventInbox as Port>::server(Slot::filled(inbox)));
    }

    async fn stop(&self, module: &str) {
        self.servers[module].stop().await;
    }
}

mod direct {
    use super::{Placement, in_process};

    testing::bus_contract!(in_process(Placement::Direct));
}

mod loopback {
    use super::{Placement, Repeat, in_process};

    testing::bus_contract!(in_process(Placement::Loopback(Repeat::EverySecond)));
}

mod http {
    use super::over_http;

    testing::bus_contract!(over_http());
}
