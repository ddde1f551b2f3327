//! Whether anybody is there.

use async_trait::async_trait;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

const LIVE: &str = "GET /health/live";

/// The least that a program can be asked: what is left is HTTP, the machine and the generator.
pub(super) struct Live;

#[async_trait]
impl Scenario for Live {
    fn name(&self) -> &'static str {
        "live"
    }

    fn about(&self) -> &'static str {
        "Asks the program whether it lives: what HTTP, the machine and the generator cost alone."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        LIVE
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn fits(&self, _stage: &Stage) -> Result<(), String> {
        Ok(())
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        visit.send(Request::to(LIVE)).await.map(drop)
    }
}
