//! Each test has exchanges and queues of its own, by a prefix of its own, and deletes them.

mod bed;
mod contract;
mod dead;
mod holding;
mod outages;
mod proxy;
mod publishing;
mod raw;
mod several;
mod topology;

use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);

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

/// Looks until there is what must come.
#[track_caller]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    within(async move {
        let mut pause = tokio::time::interval(LOOK);
        loop {
            pause.tick().await;
            if let Some(found) = look() {
                break found;
            }
        }
    })
}
