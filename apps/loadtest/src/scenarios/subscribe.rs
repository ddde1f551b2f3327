//! A tenant subscribes and pays.

use async_trait::async_trait;
use rand::RngExt as _;
use serde_json::json;

use crate::{
    client::Request,
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

const PLANS: &str = "GET /v1/billing/plans";

/// Looks at the price list, orders, and reads the subscription and its invoice.
pub(super) struct Subscribe;

#[async_trait]
impl Scenario for Subscribe {
    fn name(&self) -> &'static str {
        "subscribe"
    }

    fn about(&self) -> &'static str {
        "A tenant subscribes and pays; each journey uses up one of the seeded newcomers."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        PLANS
    }

    fn entries(&self) -> &'static [Entry] {
        &[Entry::Subscriptions]
    }

    fn newcomers(&self) -> f64 {
        1.0
    }

    async fn fits(&self, stage: &Stage) -> Result<(), String> {
        match stage.roster.newcomers() {
            [] => Err("subscribe needs tenants without a subscription: seed with \
                       `--newcomers`, and anew once they are used up"
                .to_owned()),
            _ => Ok(()),
        }
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let newcomer = stage.roster.newcomer();
        visit.send(Request::to(PLANS)).await?;
        let Some(who) = newcomer else {
            stage.remark(
                "newcomers were used up, and who came later looked at the price list and left",
            );
            return Ok(());
        };
        visit.think().await?;
        let order = json!({
            "price_id": "team_monthly_eur", "quantity": visit.dice.random_range(2..=25_u32),
            "payment_method": "pm_card_visa",
        });
        let key = format!("subscribe-{}", visit.name());
        let request = Request::to("POST /v1/billing/subscriptions").by(who.bearer());
        let request = request.once(&key).json(&order);
        visit.change(request, who, Entry::Subscriptions, 1).await?;
        visit.think().await?;
        visit.send(Request::to("GET /v1/billing/subscription").by(who.bearer())).await?;
        visit.send(Request::to("GET /v1/billing/invoices").by(who.bearer())).await?;
        Ok(())
    }
}
