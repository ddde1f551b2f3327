//! A product asks what a tenant may do.

use async_trait::async_trait;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Visit},
};

const ENTITLEMENTS: &str = "GET /v1/billing/entitlements";

/// A page of a product: who is it, and three times what they may do.
pub(super) struct Entitlements;

#[async_trait]
impl Scenario for Entitlements {
    fn name(&self) -> &'static str {
        "entitlements"
    }

    fn about(&self) -> &'static str {
        "A member uses a product that asks what they may do with every step; reads only."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        ENTITLEMENTS
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.anybody(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        visit.send(Request::to(ENTITLEMENTS).by(who.bearer())).await?;
        visit.send(Request::to("GET /v1/auth/me").by(who.bearer())).await?;
        visit.think().await?;
        visit.send(Request::to(ENTITLEMENTS).by(who.bearer())).await?;
        visit.think().await?;
        visit.send(Request::to(ENTITLEMENTS).by(who.bearer())).await?;
        Ok(())
    }
}
