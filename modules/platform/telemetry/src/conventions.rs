//! Names of the [semantic conventions](https://opentelemetry.io/docs/specs/semconv/) of OpenTelemetry,
//! version 1.37, that code reads back. Spans name their fields in place, since the macros of `tracing`
//! want them there.

/// The version that names are taken from, as exported data say it.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The class of error that an operation ended with. A span that has it has failed.
pub const ERROR_TYPE: &str = "error.type";

/// What makes a span part of a trace: `server`, `client`, `producer`, `consumer` or `internal`.
pub const SPAN_KIND: &str = "otel.kind";

/// Replaces the span's name, which is the same at a place of the code.
pub const SPAN_NAME: &str = "otel.name";
