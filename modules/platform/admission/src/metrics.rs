//! What is counted of queues.

use std::sync::LazyLock;

use telemetry::metrics::{Counter, KeyValue, meter};

static REFUSALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.admission.refusals")
        .with_description(
            "Waits for a turn that ended in vain although others had theirs meanwhile",
        )
        .build()
});

/// A queue's refusals: more comes to it than it lets in.
#[derive(Debug)]
pub(crate) struct Refusals([KeyValue; 1]);

impl Refusals {
    pub(crate) fn of(queue: &str) -> Self {
        let refusals = Self([KeyValue::new("queue", queue.to_owned())]);
        REFUSALS.add(0, &refusals.0);
        refusals
    }

    pub(crate) fn count(&self) {
        REFUSALS.add(1, &self.0);
    }
}
