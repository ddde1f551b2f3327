//! The HTTP transport of the seam.
//!
//! A call is `POST {url}/internal/{service}/{port}/v{version}/{method}` with the argument as JSON,
//! the context in headers and the principal inside a signed token. The header `x-call-outcome` of
//! an answer says that it comes from a port; an answer without it says nothing about the call.
//!
//! *Invariants*: retries of calls, the breakers and the choice of a replica are here and nowhere
//! else; a caller that goes away takes its request along; no connection belongs to a caller's
//! runtime.

mod answer;
mod attempt;
mod client;
mod metrics;
mod replicas;
mod request;
mod transport;

pub use client::{HttpClient, HttpClientError};
pub use replicas::{Pending, Replica, Replicas};
pub use transport::{HttpTransport, Remote, RemoteError};
