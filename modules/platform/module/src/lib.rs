//! What a module hands to the program that hosts it, and how modules in one program find each
//! other.
//!
//! *Invariant*: nothing here knows a particular module, and a module cannot tell from here where
//! another one runs.

mod bus;
pub mod cache;
mod definition;
mod ports;
mod routes;
mod sweep;

pub use bus::PortBus;
pub use cache::{CacheKey, InProcessCache, LARGEST_VALUE, LONGEST_TTL, SharedCache};
pub use definition::{Module, ModuleParts, RoutesOf};
pub use ports::{Placement, Ports, ProvidedTwice};
pub use routes::SubscriptionRoutes;
pub use sweep::{Sweep, SweepError};
