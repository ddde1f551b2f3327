//! What the tokens promise to those who rely on them.

mod access;
mod forge;
mod hop;
mod trust;

use std::{sync::Arc, time::Duration};

use kernel::{ManualClock, Timestamp};
use tokens::SigningKey;

/// 2026-03-01T12:00:00Z.
fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(noon()))
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate().expect("a key"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
