//! What is counted of events.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kernel::Timestamp;
use telemetry::{
    conventions::ERROR_TYPE,
    metrics::{Asked, Counter, Histogram, KeyValue, MODULE, WAITS, durations, meter},
};

use crate::{Backlog, Consumer};

static DELIVERIES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.inbox.deliveries")
        .with_description("What became of events that were delivered")
        .build()
});

static HANDLING: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations("messaging.process.duration", "Attempts of consumers at an event", &WAITS)
});

static SENDING: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.outbox.sent")
        .with_description("Events that a destination has taken")
        .build()
});

static REFUSALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.outbox.failures")
        .with_description("Batches that a destination has not taken, to be sent again")
        .build()
});

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its effect is committed, or its action is done.
    Handled,
    /// It was taken before.
    Duplicate,
    /// It failed, and is tried again.
    Failed,
    /// It failed, and is a dead letter.
    Parked,
}

/// Tells that nothing was delivered to `consumer` so far.
pub(crate) fn begin(consumer: &Consumer) {
    for outcome in [Outcome::Handled, Outcome::Duplicate, Outcome::Failed, Outcome::Parked] {
        DELIVERIES.add(0, &ended(consumer, outcome));
    }
}

/// Counts what became of a delivery to `consumer`.
pub(crate) fn delivered(consumer: &Consumer, outcome: Outcome) {
    DELIVERIES.add(1, &ended(consumer, outcome));
}

fn ended(consumer: &Consumer, outcome: Outcome) -> [KeyValue; 2] {
    let outcome = match outcome {
        Outcome::Handled => "handled",
        Outcome::Duplicate => "duplicate",
        Outcome::Failed => "failed",
        Outcome::Parked => "parked",
    };
    [of(consumer), KeyValue::new("outcome", outcome)]
}

/// Counts an attempt of `consumer`, which failed with an error of this class, where it did.
pub(crate) fn attempted(consumer: &Consumer, took: Duration, error: Option<&'static str>) {
    let error = error.map(|class| KeyValue::new(ERROR_TYPE, class));
    let attributes: Vec<KeyValue> = [of(consumer)].into_iter().chain(error).collect();
    HANDLING.record(took.as_secs_f64(), &attributes);
}

/// Tells that nothing of `module` went to `destination` so far.
pub(crate) fn begin_sending(module: &'static str, destination: &str) {
    SENDING.add(0, &way(module, destination));
    REFUSALS.add(0, &way(module, destination));
}

/// Counts `events` of `module` that `destination` took.
pub(crate) fn sent(module: &'static str, destination: &str, events: usize) {
    SENDING.add(events as u64, &way(module, destination));
}

/// Counts a batch of `module` that `destination` did not take.
pub(crate) fn refused(module: &'static str, destination: &str) {
    REFUSALS.add(1, &way(module, destination));
}

fn of(consumer: &Consumer) -> KeyValue {
    KeyValue::new("messaging.consumer.group.name", consumer.name)
}

fn way(module: &'static str, destination: &str) -> [KeyValue; 2] {
    [KeyValue::new(MODULE, module), KeyValue::new("destination", destination.to_owned())]
}

/// What was last seen to wait in a module's tables. All replicas see the same.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<Option<Seen>>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    depth: u64,
    /// How long the first event had waited.
    oldest: Duration,
    pending: u64,
    dead: u64,
    scheduled: u64,
}

/// What is older than this is not told any more: nobody is to take it for the truth.
const STALE: Duration = Duration::from_secs(60);

type Figure = fn(&Seen) -> f64;

const WAITING: [(Asked, Figure); 5] = [
    (
        Asked {
            name: "ashlar.outbox.depth",
            unit: "{event}",
            description: "Events that are not sent yet",
        },
        |seen| seen.depth as f64,
    ),
    (
        Asked {
            name: "ashlar.outbox.oldest_age",
            unit: "s",
            description: "How long the first of them has waited",
        },
        |seen| seen.oldest.as_secs_f64(),
    ),
    (
        Asked {
            name: "ashlar.inbox.pending",
            unit: "{event}",
            description: "Deliveries that wait for an attempt",
        },
        |seen| seen.pending as f64,
    ),
    (
        Asked {
            name: "ashlar.inbox.dead_letters",
            unit: "{event}",
            description: "Deliveries that are parked",
        },
        |seen| seen.dead as f64,
    ),
    (
        Asked { name: "ashlar.schedule.depth", unit: "{event}", description: "Events for later" },
        |seen| seen.scheduled as f64,
    ),
];

impl Watched {
    /// Has the program's metrics tell what was last seen, as long as it is fresh.
    pub(crate) fn tell(self: &Arc<Self>, module: &'static str) {
        for (asked, figure) in WAITING {
            let watched = Arc::downgrade(self);
            asked.gauge(move |observer| {
                let seen = watched.upgrade().and_then(|watched| watched.fresh());
                if let Some(seen) = seen {
                    observer.observe(figure(&seen), &[KeyValue::new(MODULE, module)]);
                }
            });
        }
    }

    /// Notes what waits `now`.
    pub(crate) fn note(&self, backlog: &Backlog, now: Timestamp) {
        let waits = backlog.outbox.iter().map(|waiting| now.since(waiting.oldest));
        let seen = Seen {
            at: Instant::now(),
            depth: backlog.outbox.iter().map(|waiting| waiting.waiting).sum(),
            oldest: waits.max().unwrap_or_default(),
            pending: backlog.pending,
            dead: backlog.dead,
            scheduled: backlog.scheduled,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    fn fresh(&self) -> Option<Seen> {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|seen| seen.at.elapsed() < STALE)
    }
}
