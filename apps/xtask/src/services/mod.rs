//! The engines that the product can run on, as a developer and the tests need them: private
//! instances from installed programs, on free ports of loopback, and those that the configuration
//! names.
//!
//! *Invariants*: an engine that somebody else runs is never started or stopped; what was started
//! here ends with the value or the command that started it, even by `kill -9`, unless it was
//! written down for `services down`.

mod account;
mod address;
mod amqp;
mod book;
pub mod browser;
mod command;
mod engine;
mod for_tests;
mod guard;
mod install;
mod lines;
mod named;
mod peer;
mod probe;
mod process;
mod programs;
mod prometheus;
mod recipes;
mod scratch;
mod secrets;
mod server;
mod spec;
#[cfg(test)]
mod tests;

pub use command::{Options, run};
pub use engine::Engine;
pub use for_tests::TestEngines;
pub(crate) use programs::how_to_get_prometheus;
pub use programs::{Otherwise, ensure, haproxy, promtool};
pub use prometheus::Prometheus;
pub use server::Server;
pub use spec::Durability;
