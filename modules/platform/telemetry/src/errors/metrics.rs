//! What is counted of faults.

use std::sync::LazyLock;

use super::{ErrorKind, HOST};
use crate::metrics::{Counter, KeyValue, MODULE, meter};

static REPORTED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.errors.reported")
        .with_description("Faults that trackers were told, and the log")
        .build()
});

static SUPPRESSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.errors.suppressed")
        .with_description("Faults that the log alone was told: there were too many")
        .build()
});

static LOST: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.errors.dropped")
        .with_description("Reports of faults that did not come to a tracker")
        .build()
});

/// Why a report did not come to a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Too many waited already, or the program ends.
    NoRoom,
    /// The tracker asked not to be told for a while.
    Limited,
    /// The tracker does not want it: a report or a key that it does not take.
    Refused,
    /// The tracker was gone, slow or failed.
    Unreachable,
}

impl Lost {
    const ALL: [Self; 4] = [Self::NoRoom, Self::Limited, Self::Refused, Self::Unreachable];

    const fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Limited => "limited",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Tells that nothing has gone wrong so far in any of `modules`, nor in the program's own code.
pub fn begin(modules: impl IntoIterator<Item = &'static str>) {
    for module in modules.into_iter().chain([HOST]) {
        for kind in [ErrorKind::Panic, ErrorKind::Error] {
            REPORTED.add(0, &of(kind, module));
            SUPPRESSED.add(0, &of(kind, module));
        }
    }
}

/// Tells that a tracker has lost nothing so far.
pub fn begin_losing() {
    for why in Lost::ALL {
        count_lost(why, 0);
    }
}

/// Counts a report that did not come to a tracker.
pub fn lost(why: Lost) {
    count_lost(why, 1);
}

fn count_lost(why: Lost, reports: u64) {
    LOST.add(reports, &[KeyValue::new("reason", why.name())]);
}

pub(super) fn reported(kind: ErrorKind, module: &'static str) {
    REPORTED.add(1, &of(kind, module));
}

pub(super) fn suppressed(kind: ErrorKind, module: &'static str) {
    SUPPRESSED.add(1, &of(kind, module));
}

fn of(kind: ErrorKind, module: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("kind", kind.name()), KeyValue::new(MODULE, module)]
}
