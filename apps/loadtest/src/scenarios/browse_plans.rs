//! Somebody looks at the price list.

use async_trait::async_trait;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

const PLANS: &str = "GET /v1/billing/plans";

/// Looks at the price list twice, as nobody; no database has a part in it.
pub(super) struct BrowsePlans;

#[async_trait]
impl Scenario for BrowsePlans {
    fn name(&self) -> &'static str {
        "browse-plans"
    }

    fn about(&self) -> &'static str {
        "A stranger looks at the price list, twice; no database has a part in it."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        PLANS
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn fits(&self, _stage: &Stage) -> Result<(), String> {
        Ok(())
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        visit.send(Request::to(PLANS)).await?;
        visit.think().await?;
        visit.send(Request::to(PLANS)).await?;
        Ok(())
    }
}
