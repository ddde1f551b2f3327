//! Clocks that are wrong for a while.

use anyhow::Result;
use tokio::time::sleep;

use super::{Hand, Happened};

impl Hand<'_> {
    /// Sets clocks as `text` says, for the time of an outage.
    pub(super) async fn clock(&mut self, text: &str) -> Result<Happened> {
        self.site.set_clock(text)?;
        sleep(self.pace.outage(self.dice)).await;
        self.site.set_clock("0")?;
        Ok(Happened::Yes)
    }
}
