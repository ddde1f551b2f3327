//! The port, as this tracker has it.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use telemetry::errors::{ErrorReport, ErrorTracker, Lost, begin_losing, lost};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, Sender as Queue},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    config::{SentryConfig, SentryError},
    sender::Sender,
};

/// Reports that wait for the tracker at the most: a MB, if all of them say as much as they can.
pub const QUEUE: usize = 100;

/// Hands faults to a tracker.
pub struct SentryTracker {
    /// Nothing once the program ends.
    at_work: Mutex<Option<AtWork>>,
    runtime: Handle,
}

struct AtWork {
    queue: Queue<ErrorReport>,
    sending: JoinHandle<()>,
}

impl SentryTracker {
    /// Sends on `runtime`, which must outlive [`SentryTracker::shut_down`]. Nobody is asked before there
    /// is a fault.
    ///
    /// # Errors
    /// The DSN is none, or the client cannot be set up.
    pub fn new(config: SentryConfig, runtime: Handle) -> Result<Self, SentryError> {
        let sender = Sender::new(config)?;
        let (queue, reports) = mpsc::channel(QUEUE);
        let sending = runtime.spawn(sender.run(reports));
        begin_losing();
        Ok(Self { at_work: Mutex::new(Some(AtWork { queue, sending })), runtime })
    }

    /// Sends what waits and takes nothing any more. Blocks until that is done, for `within` at most: no
    /// runtime's thread may call it.
    pub fn shut_down(&self, within: Duration) {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(AtWork { queue, mut sending }) = at_work else { return };
        drop(queue);
        let ended = self.runtime.block_on(async { timeout(within, &mut sending).await.is_ok() });
        if !ended {
            sending.abort();
            tracing::warn!("the last reports may not have come to the error tracker");
        }
    }
}

impl ErrorTracker for SentryTracker {
    fn report(&self, report: ErrorReport) {
        // Held for as long as it takes to put something into a queue.
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken = at_work.as_ref().is_some_and(|it| it.queue.try_send(report).is_ok());
        if !is_taken {
            lost(Lost::NoRoom);
        }
    }
}

impl fmt::Debug for SentryTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryTracker").finish_non_exhaustive()
    }
}
