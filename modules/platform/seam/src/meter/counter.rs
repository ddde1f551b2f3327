use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use telemetry::metrics::{Histogram, KeyValue, STEPS, durations};

use super::{CallFigures, DIRECT, Lane, StepFigures, WireFigures, direct::Weight};
use crate::{PortError, Timing};

/// How long calls took. Of direct ones every sixteenth is in it, as in [`CallFigures::timed`].
static DURATIONS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations(
        "ashlar.port.call.duration",
        "Calls that the domain answered, as their callers saw them",
        &STEPS,
    )
});

/// Sums. They are added to without a lock.
#[derive(Debug)]
pub(crate) struct Counter {
    attributes: Vec<KeyValue>,
    begun: AtomicU64,
    calls: AtomicU64,
    failures: AtomicU64,
    retries: AtomicU64,
    untold: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    timed: AtomicU64,
    total: AtomicU64,
    caller_serialize: AtomicU64,
    callee_serialize: AtomicU64,
    network: AtomicU64,
    queue: AtomicU64,
    handle: AtomicU64,
    weighed: AtomicU64,
    wire_request: AtomicU64,
    wire_response: AtomicU64,
    wire_serialize: AtomicU64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The domain answered, if only with a refusal.
    Answered,
    /// A [`crate::CallFailure`].
    Failed,
}

impl<T, E: PortError> From<&Result<T, E>> for Ending {
    fn from(result: &Result<T, E>) -> Self {
        match result {
            Err(error) if error.call_failure().is_some() => Self::Failed,
            _ => Self::Answered,
        }
    }
}

/// What the caller saw of a call over a transport.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
    /// Writing the argument and reading the answer.
    pub(crate) serialize: Duration,
    pub(crate) callee: Option<Timing>,
    pub(crate) retries: u32,
}

impl Counter {
    pub(super) fn of(lane: &Lane) -> Self {
        let sum = || AtomicU64::new(0);
        Self {
            attributes: lane.attributes(),
            begun: sum(),
            calls: sum(),
            failures: sum(),
            retries: sum(),
            untold: sum(),
            request_bytes: sum(),
            response_bytes: sum(),
            timed: sum(),
            total: sum(),
            caller_serialize: sum(),
            callee_serialize: sum(),
            network: sum(),
            queue: sum(),
            handle: sum(),
            weighed: sum(),
            wire_request: sum(),
            wire_response: sum(),
            wire_serialize: sum(),
        }
    }

    /// How many calls began before the one that begins now.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Relaxed)
    }

    /// A call in this process is over, which took `took` if that was measured.
    pub(super) fn direct(&self, took: Option<Duration>, ending: Ending) {
        self.count(ending);
        if let (Some(took), Ending::Answered) = (took, ending) {
            self.time(took);
        }
    }

    /// What a call in this process would have weighed on the wire.
    pub(super) fn weigh(&self, weight: Weight) {
        add(&self.weighed, 1);
        add(&self.wire_request, weight.request_bytes as u64);
        add(&self.wire_response, weight.response_bytes as u64);
        add(&self.wire_serialize, nanos(weight.serialize));
    }

    /// A call that took `total` is over. What did not end with an answer has no steps.
    pub(crate) fn remote(&self, total: Duration, exchange: &Exchange, ending: Ending) {
        self.count(ending);
        add(&self.retries, exchange.retries.into());
        add(&self.request_bytes, exchange.request_bytes as u64);
        add(&self.response_bytes, exchange.response_bytes as u64);
        if ending == Ending::Failed {
            return;
        }
        let between = total.saturating_sub(exchange.serialize);
        // Who claims more time than the call took is not believed.
        let told = exchange.callee.and_then(|callee| Some((callee, callee.whole()?)));
        let told = told.filter(|(_, whole)| *whole <= between);
        let (callee, whole) = told.unwrap_or_default();
        add(&self.untold, told.is_none().into());
        self.time(total);
        add(&self.caller_serialize, nanos(exchange.serialize));
        add(&self.callee_serialize, nanos(callee.serialize));
        add(&self.network, nanos(between - whole));
        add(&self.queue, nanos(callee.queue));
        add(&self.handle, nanos(callee.handle));
    }

    fn time(&self, total: Duration) {
        add(&self.timed, 1);
        add(&self.total, nanos(total));
        DURATIONS.record(total.as_secs_f64(), &self.attributes);
    }

    fn count(&self, ending: Ending) {
        add(&self.calls, 1);
        if ending == Ending::Failed {
            add(&self.failures, 1);
        }
    }

    pub(super) fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    pub(super) fn request_bytes(&self) -> u64 {
        self.request_bytes.load(Relaxed)
    }

    pub(super) fn response_bytes(&self) -> u64 {
        self.response_bytes.load(Relaxed)
    }

    pub(super) fn figures(&self, lane: &Lane) -> CallFigures {
        let read = |sum: &AtomicU64| sum.load(Relaxed);
        let steps = StepFigures {
            caller_serialize: read(&self.caller_serialize),
            callee_serialize: read(&self.callee_serialize),
            network: read(&self.network),
            queue: read(&self.queue),
            handle: read(&self.handle),
        };
        let wire = WireFigures {
            weighed: read(&self.weighed),
            request_bytes: read(&self.wire_request),
            response_bytes: read(&self.wire_response),
            serialize_ns: read(&self.wire_serialize),
        };
        let Lane { caller, service, port, version, method, transport } = lane.clone();
        CallFigures {
            caller,
            service,
            port: port.to_owned(),
            version,
            method: method.to_owned(),
            transport: transport.to_owned(),
            calls: read(&self.calls),
            failures: read(&self.failures),
            retries: read(&self.retries),
            request_bytes: read(&self.request_bytes),
            response_bytes: read(&self.response_bytes),
            timed: read(&self.timed),
            untold: read(&self.untold),
            total_ns: read(&self.total),
            steps_ns: (transport != DIRECT).then_some(steps),
            as_wire: (transport == DIRECT).then_some(wire),
        }
    }
}

fn add(sum: &AtomicU64, more: u64) {
    sum.fetch_add(more, Relaxed);
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
