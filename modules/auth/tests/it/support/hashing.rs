//! Password hashing that costs nothing and is counted.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use auth::{HashingError, PasswordHashing};
use tokio::sync::Notify;

/// Keeps passwords as they are, and counts what would have been work.
#[derive(Default)]
pub(crate) struct CountingHashing {
    hashed: AtomicUsize,
    checked: AtomicUsize,
    /// Whoever has this holds all others up.
    gate: Mutex<()>,
    entered: Notify,
}

/// How much hashing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) hashed: usize,
    pub(crate) checked: usize,
}

impl CountingHashing {
    /// What was done since this was asked last.
    pub(crate) fn take(&self) -> Work {
        Work {
            hashed: self.hashed.swap(0, Ordering::Relaxed),
            checked: self.checked.swap(0, Ordering::Relaxed),
        }
    }
}

impl CountingHashing {
    /// Holds hashing up for as long as the guard lives.
    pub(crate) fn hold(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody hashes.
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    fn pass(&self) {
        self.entered.notify_one();
        drop(self.hold());
    }
}

impl PasswordHashing for CountingHashing {
    fn hash(&self, password: &str) -> Result<String, HashingError> {
        self.pass();
        self.hashed.fetch_add(1, Ordering::Relaxed);
        Ok(format!("kept:{password}"))
    }

    fn matches(&self, password: &str, hash: &str) -> Result<bool, HashingError> {
        self.pass();
        self.checked.fetch_add(1, Ordering::Relaxed);
        Ok(hash.strip_prefix("kept:") == Some(password))
    }

    fn decoy(&self) -> &'static str {
        "decoy"
    }
}
