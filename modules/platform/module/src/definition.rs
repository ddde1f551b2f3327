use std::{fmt, sync::Arc};

use events::Consumer;
use seam::{ModuleDescriptor, Port};
use storage::Store;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{Ports, ProvidedTwice, Sweep};

/// A module, built and ready to be hosted.
///
/// ```ignore
/// Module::new(billing_api::MODULE, store)
///     .serving::<dyn BillingApi>(Arc::clone(&service))
///     .routes(move |config| { config.service(list_plans); })
///     .consuming(Consumer::effect("billing.open_account", Arc::new(OpenAccount)))
///     .sweeping(Sweep::new("renewals", HOUR, move || renew(service.clone())))
/// ```
#[must_use]
pub struct Module {
    descriptor: ModuleDescriptor,
    store: Store,
    serves: Vec<Provide>,
    routes: Vec<RoutesOf>,
    consumers: Vec<Consumer>,
    sweeps: Vec<Sweep>,
}

/// Adds a module's routes to an application and to its OpenAPI document. Called once for each of
/// the server's workers.
pub type RoutesOf = Arc<dyn Fn(&mut ServiceConfig<'_>) + Send + Sync>;

type Provide = Box<dyn Fn(&Ports) -> Result<(), ProvidedTwice> + Send + Sync>;

/// What a host takes over.
pub struct ModuleParts {
    /// The module as its contract declares it.
    pub descriptor: ModuleDescriptor,
    /// Its data.
    pub store: Store,
    /// Its public routes.
    pub routes: Vec<RoutesOf>,
    /// Its subscriptions.
    pub consumers: Vec<Consumer>,
    /// Its recurring work.
    pub sweeps: Vec<Sweep>,
}

impl Module {
    /// A module that does nothing yet.
    pub const fn new(descriptor: ModuleDescriptor, store: Store) -> Self {
        Self {
            descriptor,
            store,
            serves: Vec::new(),
            routes: Vec::new(),
            consumers: Vec::new(),
            sweeps: Vec::new(),
        }
    }

    /// Serves a port to other modules.
    pub fn serving<P: Port + ?Sized>(mut self, implementation: Arc<P>) -> Self {
        self.serves.push(Box::new(move |ports| ports.provide::<P>(Arc::clone(&implementation))));
        self
    }

    /// Adds public routes. The closure also sets the app data that they need.
    pub fn routes(
        mut self,
        routes: impl Fn(&mut ServiceConfig<'_>) + Send + Sync + Clone + 'static,
    ) -> Self {
        self.routes.push(Arc::new(routes));
        self
    }

    /// Subscribes to events.
    pub fn consuming(mut self, consumer: Consumer) -> Self {
        self.consumers.push(consumer);
        self
    }

    /// Adds recurring work.
    pub fn sweeping(mut self, sweep: Sweep) -> Self {
        self.sweeps.push(sweep.of(self.descriptor.name));
        self
    }

    /// The module as its contract declares it.
    #[must_use]
    pub const fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    /// Its data.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the ports that it serves known to callers. What they lead to is [`Ports::served`].
    ///
    /// # Errors
    /// Another module of the program serves one of them already.
    pub fn provide(&self, ports: &Ports) -> Result<(), ProvidedTwice> {
        self.serves.iter().try_for_each(|provide| provide(ports))
    }

    /// Gives everything but the ports away.
    #[must_use]
    pub fn into_parts(self) -> ModuleParts {
        let Self { descriptor, store, serves: _, routes, consumers, sweeps } = self;
        ModuleParts { descriptor, store, routes, consumers, sweeps }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.descriptor.name)
            .field("ports", &self.serves.len())
            .field("consumers", &self.consumers)
            .field("sweeps", &self.sweeps)
            .finish_non_exhaustive()
    }
}
