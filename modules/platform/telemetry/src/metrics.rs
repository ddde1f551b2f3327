//! Figures of all that a program does: how much, how often in vain, for how long.
//!
//! An instrument is a `static`, made at its first use, and belongs to whichever program began to
//! gather metrics by then; where none did, it costs next to nothing and counts nothing.
//!
//! ```
//! use std::sync::LazyLock;
//! use telemetry::metrics::{Counter, KeyValue, meter};
//!
//! static PARCELS: LazyLock<Counter<u64>> = LazyLock::new(|| {
//!     meter().u64_counter("depot.parcels").with_description("Parcels that left").build()
//! });
//!
//! PARCELS.add(1, &[KeyValue::new("outcome", "delivered")]);
//! ```
//!
//! Names and units are those of OpenTelemetry's semantic conventions where they have one, and begin
//! with `ashlar.` where they do not.
//!
//! What happens seldom is told as 0 from the beginning (`add(0, …)`): of a counter that appears with
//! its first event nobody can tell that it has grown.
//!
//! *Invariant*: an attribute has few values, whoever uses the program: routes and methods, never
//! tenants, users or what a client sent.

#[cfg(feature = "testing")]
pub mod testing;

use std::{sync::LazyLock, time::Duration};

use opentelemetry::InstrumentationScope;

use crate::conventions::SCHEMA_URL;

pub use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Counter, Histogram, Meter, UpDownCounter},
};

/// The attribute that says which module a figure is of.
pub const MODULE: &str = "module";

/// Upper bounds of a histogram's buckets, in seconds, for what a person or a program waits for over
/// a network: those that the semantic conventions advise, without every third.
pub const WAITS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The same for what takes microseconds in one process and milliseconds between two.
pub const STEPS: [f64; 11] =
    [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];

/// The same for statements, as the semantic conventions advise.
pub const STATEMENTS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Makes instruments.
#[must_use]
pub fn meter() -> Meter {
    let scope = InstrumentationScope::builder("ashlar").with_schema_url(SCHEMA_URL).build();
    opentelemetry::global::meter_with_scope(scope)
}

/// A histogram of seconds, with these upper bounds of its buckets.
#[must_use]
pub fn durations(name: &'static str, description: &'static str, bounds: &[f64]) -> Histogram<f64> {
    meter()
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(bounds.to_vec())
        .build()
}

/// Requests to systems of others, such as a payment provider's.
static PROVIDERS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations(
        "ashlar.provider.request.duration",
        "Requests to providers, by what came of them",
        &WAITS,
    )
});

/// Counts a request of `module` to a provider, which took `took`. `operation` and `outcome` are few and
/// the module's own words, whatever the provider calls them.
pub fn provider_request(
    module: &'static str,
    operation: &'static str,
    outcome: &'static str,
    took: Duration,
) {
    let attributes = [
        KeyValue::new(MODULE, module),
        KeyValue::new("operation", operation),
        KeyValue::new("outcome", outcome),
    ];
    PROVIDERS.record(took.as_secs_f64(), &attributes);
}

/// A figure that is asked for whenever metrics are told, rather than noted when it changes.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Its name.
    pub name: &'static str,
    /// As UCUM has it, such as `s` or `By`; of things that are counted a name in braces.
    pub unit: &'static str,
    /// What it says.
    pub description: &'static str,
}

impl Asked {
    /// Of what rises and falls. `tell` is called for as long as the program runs, must not block, and
    /// tells nothing where nothing is known.
    pub fn gauge(self, tell: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static) {
        let meter = meter();
        let gauge = meter.f64_observable_gauge(self.name).with_unit(self.unit);
        gauge.with_description(self.description).with_callback(tell).build();
    }

    /// Of what only grows since the program began.
    pub fn sum(self, tell: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static) {
        let meter = meter();
        let sum = meter.f64_observable_counter(self.name).with_unit(self.unit);
        sum.with_description(self.description).with_callback(tell).build();
    }
}
