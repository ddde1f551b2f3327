//! The one contract suite of a port over every client, and the HTTP transport against peers that
//! behave badly.

mod contract;
mod house;
mod ledger;
mod peer;
mod restart;
mod steps;
mod suite;
mod trouble;
mod versions;

use std::time::Duration;

/// How long a test waits for what must come, before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come.
#[track_caller]
fn within<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(output) => output,
            Err(_) => panic!("what {caller} waits for did not come"),
        }
    }
}
