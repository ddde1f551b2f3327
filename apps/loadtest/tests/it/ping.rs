//! A scenario of one request, as a team would write its own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use load_report::model::{Load, Operation};
use loadtest::{
    arrivals::Spacing,
    client::Request,
    ledger::Entry,
    people::People,
    recorder,
    run::{Outcome, Plan, Stream, run},
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

pub(crate) const PING: &str = "GET /ping";

pub(crate) struct Ping;

#[async_trait]
impl Scenario for Ping {
    fn name(&self) -> &'static str {
        "ping"
    }

    fn about(&self) -> &'static str {
        "Asks once."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        PING
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn fits(&self, _stage: &Stage) -> Result<(), String> {
        Ok(())
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        visit.send(Request::to(PING)).await.map(drop)
    }
}

/// For so many seconds, evenly spaced and without warm-up.
pub(crate) fn pings(url: impl Into<String>, load: Load, seconds: u64) -> Plan {
    Plan {
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(seconds),
        spacing: Spacing::Even,
        think: Duration::ZERO,
        ..Plan::new(url, vec![Stream { scenario: Arc::new(Ping), load }])
    }
}

pub(crate) async fn carry_out(plan: &Plan) -> anyhow::Result<Outcome> {
    run(plan, &mut People::default(), |_| {}).await
}

/// What became of the pings.
pub(crate) fn of(outcome: &Outcome) -> Operation {
    outcome.run.operations.get(PING).cloned().unwrap_or_default()
}

/// Microseconds.
pub(crate) fn quantile(histogram: &str, quantile: f64) -> anyhow::Result<u64> {
    Ok(recorder::decode(histogram)?.value_at_quantile(quantile))
}
