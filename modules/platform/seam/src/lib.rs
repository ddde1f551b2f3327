//! How modules meet.
//!
//! A module's contract is a trait marked with [`port`](macro@port). From it come three clients that a caller
//! cannot tell apart: *direct* (the implementation behind a guard), *loopback* (in process, but
//! over the wire format, for tests) and *remote* (over a [`Transport`], such as HTTP).
//!
//! *Invariants*: every call is treated as remote, even in process; no I/O happens in this crate;
//! nothing here knows a module.

// The macro writes `::seam::…`, also for the port that this crate declares itself.
extern crate self as seam;

mod client;
mod events;
mod failure;
mod guard;
mod loopback;
mod meter;
mod port;
pub mod price;
pub mod resilience;
mod schema;
mod server;
mod timing;
mod transport;

pub use async_trait::async_trait;
pub use client::{call, callee, nested};
pub use events::{
    DeliveryError, EVENT_INBOX, EventBatch, EventBus, EventFeed, EventInbox, EventRoutes, Receipt,
};
pub use failure::{CallFailure, PortError};
pub use guard::run;
pub use loopback::{Loopback, Repeat};
pub use meter::{
    CallFigures, Counters, DIRECT, DirectCall, Meter, RequestFigures, StepFigures, WireFigures,
};
pub use port::{
    CallKind, Crossing, Method, MethodDescriptor, ModuleDescriptor, Port, PortDescriptor, Slot,
    Wire,
};
pub use schema::{MethodSchema, SchemaBuilder};
pub use seam_macros::{PortError, port};
pub use server::{Dispatch, Handled, Reply, ServedPort, handle, unknown_method};
pub use timing::Timing;
pub use transport::{Answered, BadHeader, OutgoingCall, Transport, WireContext, headers};

/// For the code that the macro writes.
#[doc(hidden)]
pub mod private {
    pub use kernel::CallContext;
    pub use serde_json::Value;
}
