//! The module as its callers and its users see it.

mod contract;
mod harness;
mod http;
