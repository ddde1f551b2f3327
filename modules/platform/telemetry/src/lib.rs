//! Traces, metrics and faults: who asked whom, for how long, and what came of it, from the public
//! request to the mail that results.
//!
//! Code says what it does with spans of [`tracing`]. A span that has the field `otel.kind` is part of
//! a trace; all others are for the log alone. Its further fields are named as the semantic conventions
//! of OpenTelemetry name them (see [`conventions`]), and one that has recorded `error.type` has failed.
//!
//! ```
//! let span = tracing::info_span!("SELECT plans", otel.kind = "client", db.system.name = "sqlite");
//! ```
//!
//! | a program's part of a trace | |
//! |---|---|
//! | begins | with the span of a request, a delivery or a job: [`entry`] makes it, which says what it continues |
//! | goes on | with whatever is done inside of that span; [`position`] is what another program is told |
//! | ends | with the same span: now it is known whether the work failed, and the part is kept or forgotten as a whole |
//!
//! Metrics are OpenTelemetry's: see [`metrics`]. What goes wrong is told as a fault: see [`errors`]. Whose
//! work a program does, [`busy`] tells.
//!
//! *Invariants*: nobody waits for what takes traces; what is held of unfinished ones is bounded, and
//! counted where it is too much; nothing here knows where traces go.

pub mod busy;
pub mod conventions;
mod entry;
pub mod errors;
mod fields;
mod filter;
mod layer;
pub mod metrics;
mod part;
mod sampling;
mod span;

pub use entry::{Entry, entry, here, position, position_of};
pub use filter::TraceFilter;
pub use layer::{Failed, Figures, FilteredTraceLayer, TraceLayer, TraceSettings};
pub use sampling::Rate;
pub use span::{FinishedSpan, Kind, Note, Parent, TraceSink, Value};
