//! One read and nothing else.

use async_trait::async_trait;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Visit},
};

const SUBSCRIPTION: &str = "GET /v1/billing/subscription";

/// Reads the subscription: the authenticated, tenant-scoped read that shapes are compared by.
pub(super) struct OneRead;

#[async_trait]
impl Scenario for OneRead {
    fn name(&self) -> &'static str {
        "one-read"
    }

    fn about(&self) -> &'static str {
        "One authenticated read of a tenant's subscription, to compare shapes and handlers by."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        SUBSCRIPTION
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.any_owner(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        visit.send(Request::to(SUBSCRIPTION).by(who.bearer())).await?;
        Ok(())
    }
}
