//! The edge as a client sees it.

mod bad_input;
mod callers;
mod faults;
mod headers;
mod idempotency;
mod limits;
mod openapi;
mod ports;
mod server;
mod support;
mod trouble;
