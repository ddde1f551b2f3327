//! What the macro makes known about a port.

use std::sync::{Arc, OnceLock};

use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{CallFailure, Counters, Dispatch, PortError, SchemaBuilder, Transport};

/// A trait that modules meet at. Implemented for `dyn TheTrait` by [`port`](macro@crate::port).
pub trait Port: Send + Sync + 'static {
    /// The port's name, version and methods.
    fn descriptor() -> &'static PortDescriptor;

    /// The client in the same process: the implementation in `slot` behind [`crate::run`].
    fn direct(slot: Slot<Self>) -> Arc<Self> {
        Self::direct_counted(slot, Counters::none())
    }

    /// [`Port::direct`], with each call counted.
    fn direct_counted(slot: Slot<Self>, counters: Counters) -> Arc<Self>;

    /// The client that sends each call over `transport`.
    fn remote(transport: Arc<dyn Transport>) -> Arc<Self> {
        Self::remote_counted(transport, Counters::none())
    }

    /// [`Port::remote`], with each call counted.
    fn remote_counted(transport: Arc<dyn Transport>, counters: Counters) -> Arc<Self>;

    /// The callee's side: takes calls off the wire for the implementation in `slot`.
    fn server(slot: Slot<Self>) -> Arc<dyn Dispatch>;

    /// The wire schema, as it is checked in under `docs/contracts/`.
    fn schema() -> serde_json::Value;
}

/// Where a port's implementation will be. Modules call each other in circles, so clients are made
/// before all implementations are; a call that comes before its implementation is `Unavailable`.
pub struct Slot<P: ?Sized>(Arc<OnceLock<Arc<P>>>);

impl<P: ?Sized> Slot<P> {
    /// Starts empty.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::new(OnceLock::new()))
    }

    /// Starts with `implementation`.
    #[must_use]
    pub fn filled(implementation: Arc<P>) -> Self {
        Self(Arc::new(OnceLock::from(implementation)))
    }

    /// Puts `implementation` in; `false` where there was one already, which stays.
    #[must_use]
    pub fn fill(&self, implementation: Arc<P>) -> bool {
        self.0.set(implementation).is_ok()
    }

    /// The implementation.
    ///
    /// # Errors
    /// [`CallFailure::Unavailable`] where there is none yet.
    pub fn get(&self, service: &str) -> Result<&P, CallFailure> {
        self.0
            .get()
            .map(|implementation| &**implementation)
            .ok_or_else(|| CallFailure::unavailable(service))
    }
}

impl<P: ?Sized> Clone for Slot<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A port as its trait declares it.
#[derive(Debug)]
pub struct PortDescriptor {
    /// The module that owns the contract.
    pub service: &'static str,
    /// The trait's name.
    pub name: &'static str,
    /// The major version; another one is another trait.
    pub version: u32,
    /// All methods, in the trait's order.
    pub methods: &'static [&'static MethodDescriptor],
}

/// A method of a port.
#[derive(Debug)]
pub struct MethodDescriptor {
    /// The module that owns the contract.
    pub service: &'static str,
    /// The trait's name.
    pub port: &'static str,
    /// The port's major version.
    pub version: u32,
    /// The method's name.
    pub name: &'static str,
    /// What a repetition does.
    pub kind: CallKind,
}

/// A method of a port as a type, in whose terms its clients and its server are written. The macro
/// declares one for each method.
pub trait Method: 'static {
    /// What is sent; `()` where there is nothing.
    type Argument: Crossing;
    /// What comes back.
    type Value: Crossing;
    /// What comes back where nothing does.
    type Error: PortError + Crossing;
    /// Its place among the port's methods.
    const INDEX: usize;
    /// The method's names and kind.
    const DESCRIPTOR: &'static MethodDescriptor;
}

/// What a repeated call does. Both kinds may be sent again; only a read may be sent without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Changes nothing.
    Read,
    /// Changes something, once per key: a repetition returns the first outcome.
    Write,
}

/// What may cross a seam: an owned type with a wire format and a schema.
pub trait Wire: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static> Wire for T {}

/// [`Wire`], as the types of a method are held to it. It has none of that trait's supertraits:
/// the compiler would report each that is missing, and not the note below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross a seam",
    label = "not a wire type",
    note = "derive `serde::Serialize`, `serde::Deserialize` and `utoipa::ToSchema` for it; \
            references and handles stay on their side"
)]
pub trait Crossing: Send + Sync + Sized + 'static {
    /// Writes it to the wire.
    ///
    /// # Errors
    /// It has no form in JSON, such as a map whose keys are structs.
    fn write(&self) -> serde_json::Result<Vec<u8>>;

    /// Reads it off the wire.
    ///
    /// # Errors
    /// What is there is something else.
    fn read(wire: &[u8]) -> serde_json::Result<Self>;

    /// Adds its schema, and those that it refers to.
    fn describe(schema: &mut SchemaBuilder) -> serde_json::Value;
}

#[diagnostic::do_not_recommend]
impl<T: Wire> Crossing for T {
    fn write(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    fn read(wire: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(wire)
    }

    fn describe(schema: &mut SchemaBuilder) -> serde_json::Value {
        schema.add::<Self>()
    }
}

/// A module, as programs and callers know it without linking it. Declared in the module's `*-api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleDescriptor {
    /// The module's name: in configuration, in ports and in events.
    pub name: &'static str,
    /// The public paths that are its own. What comes in under them goes to the module, wherever
    /// it runs.
    pub public_prefixes: &'static [&'static str],
    /// The types of the events that it takes from others, such as `auth.tenant_created`.
    pub consumes: &'static [&'static str],
}
