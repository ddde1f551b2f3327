//! Whoever starts programs again that have died, as an orchestrator would.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use futures_util::future;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xtask::shapes::Program;

use super::Site;

const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Site {
    /// Starts again what is down and not to stay so, until `stop` is cancelled.
    pub async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        let each = self.programs().iter().map(|program| self.keep_one_up(program));
        tokio::select! {
            _ = future::join_all(each) => {}
            () = stop.cancelled() => {}
        }
    }

    async fn keep_one_up(&self, program: &Program) {
        loop {
            if program.pid().is_none() && !self.is_held_down(program.name()) {
                self.restarts.fetch_add(1, Ordering::Relaxed);
                // It may fail while its database is away, or be killed as it starts.
                let _ = program.start().await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until every program answers that it is ready.
    ///
    /// # Errors
    /// One does not within `patience`.
    pub async fn recovered(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        for program in self.programs() {
            while !self.operator.is_ready(program).await {
                if begun.elapsed() > patience {
                    bail!("{} has not come back within {} s", program.name(), patience.as_secs());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }
}
