//! Somebody looks for an invoice.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Visit},
};

const INVOICES: &str = "GET /v1/billing/invoices";

/// Lists the invoices and opens the newest.
pub(super) struct Invoices;

#[async_trait]
impl Scenario for Invoices {
    fn name(&self) -> &'static str {
        "invoices"
    }

    fn about(&self) -> &'static str {
        "An owner lists the invoices and opens the newest."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        INVOICES
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.any_owner(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        let answer = visit.send(Request::to(INVOICES).by(who.bearer())).await?;
        let list: Value = answer.read().map_err(|_| Ended::Stuck("no list of invoices"))?;
        let id = list.pointer("/items/0/id").and_then(Value::as_str);
        let path = format!("/v1/billing/invoices/{}", id.ok_or(Ended::Stuck("no invoice"))?);
        visit.think().await?;
        let invoice = Request::to("GET /v1/billing/invoices/{id}").at(path).by(who.bearer());
        visit.send(invoice).await?;
        Ok(())
    }
}
