//! What is counted of the database.

use std::{sync::LazyLock, time::Duration};

use telemetry::metrics::{Counter, Histogram, KeyValue, MODULE, STATEMENTS, durations, meter};

static OPERATIONS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations("db.client.operation.duration", "Statements, as this program saw them", &STATEMENTS)
});

static REFUSALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.rls.refusals")
        .with_description("Statements that the database itself refused: another tenant's rows, or no right to them")
        .build()
});

/// Counts an operation of `module` that took `took`.
pub(crate) fn operation(module: &'static str, name: &'static str, took: Duration) {
    let attributes = [KeyValue::new(MODULE, module), KeyValue::new("db.operation.name", name)];
    OPERATIONS.record(took.as_secs_f64(), &attributes);
}

/// Tells that nothing of `module` was refused so far.
pub(crate) fn begin(module: &'static str) {
    REFUSALS.add(0, &[KeyValue::new(MODULE, module)]);
}

/// Counts a statement of `module` that row-level security refused: code that is wrong, or somebody
/// who tries.
pub(crate) fn refusal(module: &'static str) {
    REFUSALS.add(1, &[KeyValue::new(MODULE, module)]);
}

/// There are few names of operations, whatever SQL begins with.
pub(crate) fn known(operation: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT"];
    KNOWN.into_iter().find(|known| *known == operation).unwrap_or("_OTHER")
}
