//! The exporter against a collector that speaks OTLP.

mod collector;
mod traces;
