//! A product reports what was used.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    client::Request,
    ledger::Entry,
    people::now,
    scenario::{Dice, Ended, Scenario, Visit},
};

const USAGE_EVENTS: &str = "POST /v1/billing/usage-events";
/// Events in a request.
const BATCH: u64 = 10;

/// Sends a batch of usage events, each of one unit, under an idempotency key.
pub(super) struct Usage;

#[async_trait]
impl Scenario for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn about(&self) -> &'static str {
        "A product reports usage: one request with ten events under an idempotency key."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        USAGE_EVENTS
    }

    fn entries(&self) -> &'static [Entry] {
        &[Entry::Usage]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.any_owner(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        let at = now().map_err(|_| Ended::Stuck("no time"))?;
        let event = |number| {
            let id = format!("{}-{number}", visit.name());
            json!({ "id": id, "meter": "api_calls", "quantity": 1, "at": at })
        };
        let events: Vec<Value> = (0..BATCH).map(event).collect();
        let request = Request::to(USAGE_EVENTS).by(who.bearer()).once(visit.name()).json(&events);
        visit.change(request, who, Entry::Usage, BATCH).await?;
        Ok(())
    }
}
