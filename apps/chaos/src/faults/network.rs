//! Bad weather between the monolith and billing.

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::{Hand, Happened};
use crate::proxy::Weather;

impl Hand<'_> {
    /// The same weather on all ways, for the time of an outage.
    pub(super) async fn storm(&mut self, weather: Weather) -> Result<Happened> {
        let ways = self.site.ways.as_ref().context("there are no ways to storm on")?;
        let before = ways.touched();
        ways.everywhere(weather);
        sleep(self.pace.outage(self.dice)).await;
        ways.everywhere(Weather::Clear);
        // A connection that is refused has not been touched.
        Ok(Happened::when(weather == Weather::Cut || ways.touched() > before))
    }

    /// Weather on the ways to billing alone.
    pub(super) async fn storm_at_billing(&mut self, weather: Weather) -> Result<Happened> {
        let ways = self.site.ways.as_ref().context("there are no ways to storm on")?;
        let before = ways.touched();
        ways.to_billing(weather);
        sleep(self.pace.outage(self.dice)).await;
        ways.to_billing(Weather::Clear);
        Ok(Happened::when(ways.touched() > before))
    }
}
