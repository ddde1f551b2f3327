//! Hands what a program kept of traces, and its metrics, to an OpenTelemetry collector: OTLP 1 over
//! HTTP, in batches, as the OpenTelemetry SDK does it.
//!
//! *Invariants*: nobody who makes spans waits for the collector; at most [`QUEUE`] spans wait for it,
//! and what is beyond is left out and counted; an outage is one line in the log when it begins and one
//! when it ends.

mod client;
mod data;
mod exporter;
mod metrics;
mod service;
mod traces;

pub use client::{OtlpClientError, OtlpConfig};
pub use metrics::metrics;
pub use service::Service;
pub use traces::{Exported, OtlpTraces, QUEUE};
