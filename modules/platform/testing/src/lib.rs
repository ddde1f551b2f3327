//! What tests of modules start from: a store in a folder of its own, contexts, a bus that
//! remembers, and the clients of a port.
//!
//! Nothing here waits or sleeps: time moves when a test says so, and [`drain`] runs engines until
//! there is nothing left to do.

mod broker;
mod bus;
pub mod bus_contract;
mod clients;
mod contexts;
mod engines;
mod http;
mod store;

pub use broker::rabbitmq_url;
pub use bus::{Published, RecordingBus};
pub use clients::{CLIENTS, Client, clients_of};
pub use contexts::{anonymous_context, tenant_context, user_context};
pub use engines::drain;
pub use http::{PortServer, Reserved, transport_to};
pub use store::{FixedRoutes, TestStore, TestStoreBuilder, noon};
