use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Publications that no queue was there for. Alarms once when it begins for a destination.
#[derive(Debug, Default)]
pub(crate) struct Unroutable {
    total: AtomicU64,
    now: Mutex<BTreeSet<String>>,
}

impl Unroutable {
    /// `returned` publications for `destination` came back.
    pub(crate) fn returned(&self, destination: &str, returned: usize) {
        self.total.fetch_add(u64::try_from(returned).unwrap_or(u64::MAX), Ordering::Relaxed);
        if self.lock().insert(destination.to_owned()) {
            tracing::error!(
                messaging.destination.name = destination,
                returned,
                "events cannot be routed, for the module has no queue in RabbitMQ: was it ever \
                 started? They stay in the outbox and are sent again"
            );
        }
    }

    /// A publication for `destination` was routed.
    pub(crate) fn routed(&self, destination: &str) {
        if self.lock().remove(destination) {
            tracing::info!(messaging.destination.name = destination, "events are routed again");
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn destinations(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
