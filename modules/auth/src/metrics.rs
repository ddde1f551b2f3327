//! What is counted of people who come.

use std::sync::LazyLock;

use sea_orm::{ActiveEnum, Iterable};
use telemetry::metrics::{Counter, KeyValue, meter};

use crate::sessions::Outcome;

static REGISTRATIONS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.auth.registrations")
        .with_description(
            "Accounts and tenants that were made; those who are known are not counted",
        )
        .build()
});

static LOGINS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.auth.logins")
        .with_description("Attempts to log in whose password was checked")
        .build()
});

/// Tells that nobody came so far.
pub(crate) fn begin() {
    REGISTRATIONS.add(0, &[]);
    for outcome in Outcome::iter() {
        LOGINS.add(0, &[ended(&outcome)]);
    }
}

/// Counts somebody new.
pub(crate) fn registered() {
    REGISTRATIONS.add(1, &[]);
}

/// Counts an attempt to log in that is committed.
pub(crate) fn logged_in(outcome: Outcome) {
    LOGINS.add(1, &[ended(&outcome)]);
}

fn ended(outcome: &Outcome) -> KeyValue {
    KeyValue::new("outcome", outcome.to_value())
}
