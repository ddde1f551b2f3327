//! A hundred requests at once under one key.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::{Hand, Happened};

/// How long it may take until somebody subscribes, and the requests to be answered.
const PATIENCE: Duration = Duration::from_secs(40);

impl Hand<'_> {
    pub(super) async fn stampede(&mut self) -> Result<Happened> {
        let before = self.traffic.stampedes();
        self.traffic.want_stampede();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.traffic.stampedes() > before {
                return Ok(Happened::Yes);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Happened::No)
    }
}
