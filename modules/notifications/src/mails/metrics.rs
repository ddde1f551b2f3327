//! What is counted of mails.

use std::{sync::LazyLock, time::Duration};

use telemetry::metrics::{Counter, Histogram, KeyValue, durations, meter};

use super::entity::MailState;

static MAILS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.notifications.mails")
        .with_description("Mails that are done with, and attempts that are made again")
        .build()
});

static LAG: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    let bounds = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0];
    durations(
        "ashlar.notifications.lag",
        "From what a mail tells of to the provider's word that it took it",
        &bounds,
    )
});

/// Tells that no mail was sent so far.
pub(crate) fn begin() {
    for outcome in [SENT, REFUSED, NOT_YET] {
        MAILS.add(0, &[KeyValue::new("outcome", outcome)]);
    }
}

const SENT: &str = "sent";
const REFUSED: &str = "refused";
const NOT_YET: &str = "not_yet";

/// Counts a mail that is done with, `age` after it was written down.
pub(super) fn concluded(state: MailState, age: Duration) {
    let outcome = match state {
        MailState::Sent => SENT,
        MailState::Refused => REFUSED,
        MailState::Queued => return,
    };
    MAILS.add(1, &[KeyValue::new("outcome", outcome)]);
    if state == MailState::Sent {
        LAG.record(age.as_secs_f64(), &[]);
    }
}

/// Counts an attempt that the provider took nothing in.
pub(super) fn not_yet() {
    MAILS.add(1, &[KeyValue::new("outcome", NOT_YET)]);
}
