//! What operators are told of the limits.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use super::{rules::LimitClass, store::Decision};

/// Counted since the program started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitFigures {
    /// Who keeps the buckets now.
    pub store: StoreState,
    /// By class.
    pub classes: BTreeMap<&'static str, ClassFigures>,
    /// Requests that were decided on here because the shared store did not answer or was left
    /// alone.
    pub fallbacks: u64,
    /// Questions to the shared store that it did not answer in time. Fewer than `fallbacks`: a
    /// store that is down is asked only now and then.
    pub store_errors: u64,
}

/// Who keeps the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreState {
    /// Nobody: nothing is limited.
    Off,
    /// This process, because it was told of no other.
    InProcess,
    /// The store that all replicas share.
    Shared,
    /// This process, because the shared store does not answer.
    Fallback,
}

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassFigures {
    /// Requests that were decided on.
    pub decisions: u64,
    /// Those of them that were turned away.
    pub limited: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    classes: [ClassCounters; LimitClass::ALL.len()],
    pub(super) fallbacks: Counter,
    pub(super) store_errors: Counter,
}

#[derive(Default)]
struct ClassCounters {
    decisions: Counter,
    limited: Counter,
}

/// Exact in the end; nothing is ordered by it.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn decided(&self, class: LimitClass, decision: &Decision) {
        let counters = &self.classes[class as usize];
        counters.decisions.count();
        if matches!(decision, Decision::Limited { .. }) {
            counters.limited.count();
        }
    }

    pub(super) fn read(&self, store: StoreState) -> LimitFigures {
        let of_class = |class: LimitClass| {
            let ClassCounters { decisions, limited } = &self.classes[class as usize];
            (class.name(), ClassFigures { decisions: decisions.read(), limited: limited.read() })
        };
        LimitFigures {
            store,
            classes: LimitClass::ALL.into_iter().map(of_class).collect(),
            fallbacks: self.fallbacks.read(),
            store_errors: self.store_errors.read(),
        }
    }
}
