//! Where the time of a call between programs goes, as the programs tell it.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use load_report::model::Hop;
use loadtest::{
    client::{Client, Request},
    run::Moment,
};
use seam::{CallFigures, EVENT_INBOX, RequestFigures, price::Counted};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::shapes::Running;

/// The operators' credential: long enough, and of no use after the campaign.
pub(super) const OPERATOR: &str = "the operator of the campaign";
/// The module that is called: the one that is extracted.
pub(super) const CALLED: &str = "billing";
/// How long a program may take to tell.
const PATIENCE: Duration = Duration::from_secs(10);

/// The internal listeners of a shape's programs.
pub(super) struct Tellers(Vec<Client>);

#[derive(Deserialize)]
struct Told {
    seconds: f64,
    calls: Vec<CallFigures>,
    requests: Vec<RequestFigures>,
}

/// What the program behind `client` counted since it was started.
pub(super) async fn counted(client: &Client) -> Result<Counted> {
    let Told { seconds, calls, requests } = ask(client, "GET /ops/seam").await?;
    let over = Duration::try_from_secs_f64(seconds).context("how long it counted")?;
    Ok(Counted { over, calls, requests })
}

/// What an operator is told.
pub(super) async fn ask<T: DeserializeOwned>(client: &Client, what: &'static str) -> Result<T> {
    let bearer = format!("Bearer {OPERATOR}").parse().context("the credential")?;
    let answer = client.send(&Request::to(what).by(bearer)).await.outcome;
    let answer =
        answer.map_err(|failure| anyhow!("a program does not tell: {}", failure.name()))?;
    answer.read().context("what a program tells")
}

/// Nanoseconds of so many calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    calls: u64,
    untold: u64,
    serialize: u64,
    network: u64,
    queue: u64,
    handle: u64,
}

impl Tellers {
    pub(super) fn of(running: &Running) -> Result<Self> {
        let programs = running.programs().iter();
        let clients = programs.map(|program| Client::new(&program.internal_url(), PATIENCE));
        clients.collect::<Result<_>>().map(Self)
    }

    /// Of the calls to billing that ended between the moments at which measuring began and ended;
    /// `None` where none left its process, or where a callee did not tell its part.
    pub(super) async fn between(
        &self,
        mut moments: UnboundedReceiver<Moment>,
    ) -> Result<Option<Hop>> {
        let (mut first, mut last) = (Sums::default(), Sums::default());
        while let Some(moment) = moments.recv().await {
            let sums = self.ask().await?;
            match moment {
                Moment::Begins => first = sums,
                Moment::Ends => last = sums,
            }
        }
        Ok(last.since(first).hop())
    }

    async fn ask(&self) -> Result<Sums> {
        let mut calls = Vec::new();
        for client in &self.0 {
            calls.extend(counted(client).await?.calls);
        }
        Ok(Sums::of(&calls))
    }
}

impl Sums {
    fn of(calls: &[CallFigures]) -> Self {
        // What the inbox handles is a batch, which says nothing of a call.
        let is_meant = |call: &&CallFigures| call.service == CALLED && call.port != EVENT_INBOX;
        let meant = calls.iter().filter(is_meant);
        meant.filter_map(|call| Some((call, call.steps_ns?))).fold(
            Self::default(),
            |sums, (call, steps)| Self {
                calls: sums.calls + call.timed,
                untold: sums.untold + call.untold,
                serialize: sums.serialize + steps.caller_serialize + steps.callee_serialize,
                network: sums.network + steps.network,
                queue: sums.queue + steps.queue,
                handle: sums.handle + steps.handle,
            },
        )
    }

    /// Sums begin anew where a program does.
    const fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(before.calls),
            untold: self.untold.saturating_sub(before.untold),
            serialize: self.serialize.saturating_sub(before.serialize),
            network: self.network.saturating_sub(before.network),
            queue: self.queue.saturating_sub(before.queue),
            handle: self.handle.saturating_sub(before.handle),
        }
    }

    fn hop(self) -> Option<Hop> {
        let Self { calls, untold, serialize, network, queue, handle } = self;
        if calls == 0 || untold > 0 {
            return None;
        }
        let [serialize, network, queue, handle] =
            [serialize, network, queue, handle].map(|sum| sum as f64 / calls as f64 / 1_000.0);
        Some(Hop { calls, serialize, network, queue, handle })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a program writes it.
    fn told(service: &str, port: &str, timed: u64, steps: &str) -> CallFigures {
        let text = format!(
            r#"{{
                "caller": "auth", "service": "{service}", "port": "{port}", "version": 1,
                "method": "reserve", "transport": "any", "calls": {timed}, "failures": 0,
                "retries": 0, "request_bytes": 0, "response_bytes": 0, "timed": {timed},
                "untold": 0, "total_ns": 0, "steps_ns": {steps}
            }}"#
        );
        serde_json::from_str(&text).expect("figures")
    }

    fn steps(each: u64) -> String {
        format!(
            r#"{{ "caller_serialize": {each}, "callee_serialize": {each}, "network": {},
                  "queue": {each}, "handle": {} }}"#,
            5 * each,
            8 * each
        )
    }

    #[test]
    fn means_are_of_the_calls_between_two_moments_that_left_their_process() {
        let before = [told("billing", "BillingApi", 10, &steps(1_000_000))];
        let after = [
            told("billing", "BillingApi", 12, &steps(1_003_000)),
            told("billing", "BillingApi", 2, &steps(1_000)),
            told("billing", "EventInbox", 100, &steps(9_000_000)),
            told("auth", "AuthApi", 100, &steps(9_000_000)),
            told("billing", "BillingApi", 100, "null"),
        ];
        let hop = Sums::of(&after).since(Sums::of(&before)).hop();
        let expected = Hop { calls: 4, serialize: 2.0, network: 5.0, queue: 1.0, handle: 8.0 };
        assert_eq!(hop, Some(expected));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        let direct = [told("billing", "BillingApi", 100, "null")];
        assert_eq!(Sums::of(&direct).hop(), None);
        let silent = CallFigures { untold: 1, ..told("billing", "BillingApi", 9, &steps(1)) };
        assert_eq!(Sums::of(&[silent]).hop(), None);
    }
}
