use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seam::{EventInbox, Loopback, Meter, Port, Repeat, ServedPort, Slot, Transport};

/// Where a module runs, as its callers in this program reach it.
#[derive(Clone)]
pub enum Placement {
    /// In this process.
    Direct,
    /// In this process, over the wire format: for tests.
    Loopback(Repeat),
    /// In another process.
    Remote(Arc<dyn Transport>),
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Loopback(repeat) => f.debug_tuple("Loopback").field(repeat).finish(),
            Self::Remote(transport) => f.debug_tuple("Remote").field(&transport.service()).finish(),
        }
    }
}

/// The caller, until [`Ports::called_by`] says who it is.
const UNNAMED: &str = "unnamed";

/// The ports of all modules, as one program sees them. Cheap to clone.
///
/// Modules are built with clients of each other before any of them is there; a call that comes
/// too early is `Unavailable`.
#[derive(Clone)]
pub struct Ports {
    inner: Arc<Inner>,
    /// Whose calls the clients count.
    caller: Arc<str>,
}

struct Inner {
    placements: BTreeMap<String, Placement>,
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A `Slot<P>` for each port `P`.
    slots: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    /// The inboxes of the modules: one port, served by each.
    inboxes: BTreeMap<String, Slot<dyn EventInbox>>,
    served: Vec<ServedPort>,
}

impl Ports {
    /// Knows where each service runs. A service that is not in `placements` is to be found
    /// nowhere: what is not provided in this process either is `Unavailable`.
    #[must_use]
    pub fn new(placements: impl IntoIterator<Item = (String, Placement)>) -> Self {
        let placements = placements.into_iter().collect();
        let inner = Inner { placements, meter: Meter::new(), state: Mutex::default() };
        Self { inner: Arc::new(inner), caller: UNNAMED.into() }
    }

    /// The same ports, whose clients' calls are counted as those of `caller`: a module's name, or
    /// the program's.
    #[must_use]
    pub fn called_by(&self, caller: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), caller: caller.into() }
    }

    /// What the calls of all clients are counted in.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    /// A client of the port `P`, wherever the service that owns it runs.
    #[must_use]
    pub fn client<P: Port + ?Sized>(&self) -> Arc<P> {
        let service = P::descriptor().service;
        self.connect(service, self.state().slot::<P>())
    }

    /// Serves the port `P` from this process.
    ///
    /// # Errors
    /// It is served already.
    pub fn provide<P: Port + ?Sized>(&self, implementation: Arc<P>) -> Result<(), ProvidedTwice> {
        let mut state = self.state();
        let slot = state.slot::<P>();
        state.serve(P::descriptor().service, &slot, implementation)
    }

    /// A client of the inbox of the module `destination`; `None` where the module is neither in
    /// this process nor placed in another.
    #[must_use]
    pub fn inbox_client(&self, destination: &str) -> Option<Arc<dyn EventInbox>> {
        let slot = {
            let mut state = self.state();
            if !self.inner.placements.contains_key(destination)
                && !state.inboxes.contains_key(destination)
            {
                return None;
            }
            state.inbox(destination)
        };
        Some(self.connect(destination, slot))
    }

    /// Serves the inbox of `module` from this process.
    ///
    /// # Errors
    /// It is served already.
    pub fn provide_inbox(
        &self,
        module: &str,
        inbox: Arc<dyn EventInbox>,
    ) -> Result<(), ProvidedTwice> {
        let mut state = self.state();
        let slot = state.inbox(module);
        state.serve(module, &slot, inbox)
    }

    /// What this process serves to others, inboxes included.
    #[must_use]
    pub fn served(&self) -> Vec<ServedPort> {
        self.state().served.clone()
    }

    fn connect<P: Port + ?Sized>(&self, service: &str, slot: Slot<P>) -> Arc<P> {
        let meter = self.meter();
        let transport: Arc<dyn Transport> =
            match self.inner.placements.get(service).unwrap_or(&Placement::Direct) {
                Placement::Direct => {
                    let counters = meter.direct(&self.caller, service, P::descriptor());
                    return P::direct_counted(slot, counters);
                }
                Placement::Loopback(repeat) => {
                    Arc::new(Loopback::new(service, P::server(slot), *repeat))
                }
                Placement::Remote(transport) => Arc::clone(transport),
            };
        let counters = meter.over(transport.name(), &self.caller, service, P::descriptor());
        P::remote_counted(transport, counters)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn slot<P: Port + ?Sized>(&mut self) -> Slot<P> {
        let slot = self
            .slots
            .entry(TypeId::of::<P>())
            .or_insert_with(|| Box::new(Slot::<P>::empty()))
            .downcast_ref::<Slot<P>>();
        // The map's key is the type, so that the cast cannot fail.
        slot.map_or_else(Slot::empty, Slot::clone)
    }

    fn inbox(&mut self, module: &str) -> Slot<dyn EventInbox> {
        self.inboxes.entry(module.to_owned()).or_insert_with(Slot::empty).clone()
    }

    fn serve<P: Port + ?Sized>(
        &mut self,
        service: &str,
        slot: &Slot<P>,
        implementation: Arc<P>,
    ) -> Result<(), ProvidedTwice> {
        let port = P::descriptor().name;
        if !slot.fill(implementation) {
            return Err(ProvidedTwice { service: service.to_owned(), port });
        }
        let dispatch = P::server(slot.clone());
        self.served.push(ServedPort { service: service.to_owned(), dispatch });
        Ok(())
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports")
            .field("placements", &self.inner.placements)
            .field("served", &self.state().served)
            .finish_non_exhaustive()
    }
}

/// A mistake in the wiring of a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the port {port} of {service} has two implementations in this program")]
pub struct ProvidedTwice {
    /// The service that the port belongs to.
    pub service: String,
    /// The port's name.
    pub port: &'static str,
}
