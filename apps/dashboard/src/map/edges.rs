//! From methods to edges of the map.

use std::{collections::BTreeMap, time::Duration};

use seam::{DIRECT, EVENT_INBOX};

use super::rates::{LaneFigures, LastMinute, SentFigures};

/// A module's events to itself take no way.
const OWN: &str = DIRECT;
/// Where no inbox is called, somebody else brings events there.
const BROKER: &str = "broker";

/// All that one caller sends to one module in one way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: Kind,
    pub(crate) transport: String,
    /// Calls or events in the window, and calls that failed or batches that were not taken.
    pub(crate) count: u64,
    pub(crate) failures: u64,
    pub(crate) per_second: f64,
    /// Of calls, or of batches, that were timed; nothing where none was.
    pub(crate) mean: Option<Duration>,
    /// Since the program began.
    pub(crate) ever: u64,
}

/// What goes along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Questions and commands.
    Calls,
    /// Facts, in batches.
    Events,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Events => "events",
        }
    }
}

/// The edges, in the order of their ends.
pub(crate) fn between(last: &LastMinute) -> Vec<Edge> {
    let mut edges = calls(last);
    edges.extend(last.sent.iter().map(|sent| events(sent, last)));
    edges.sort_by(|one, other| {
        (&one.from, &one.to, one.kind).cmp(&(&other.from, &other.to, other.kind))
    });
    edges
}

fn calls(last: &LastMinute) -> Vec<Edge> {
    let mut grouped: BTreeMap<_, LaneFigures> = BTreeMap::new();
    for lane in last.lanes.iter().filter(|lane| lane.port != EVENT_INBOX) {
        let key = (lane.caller.clone(), lane.callee.clone(), lane.transport.clone());
        let sum = grouped.entry(key).or_default();
        sum.calls += lane.calls;
        sum.failures += lane.failures;
        sum.timed += lane.timed;
        sum.total += lane.total;
        sum.ever += lane.ever;
    }
    let edges = grouped.into_iter().map(|((from, to, transport), sum)| Edge {
        from,
        to,
        kind: Kind::Calls,
        transport,
        count: sum.calls,
        failures: sum.failures,
        per_second: per_second(sum.calls, last.window),
        mean: mean([&sum]),
        ever: sum.ever,
    });
    edges.collect()
}

/// Whose events they are the outbox says, and how they went the calls to the inbox, which the program
/// makes for all of its modules.
fn events(sent: &SentFigures, last: &LastMinute) -> Edge {
    let to_inbox = || {
        let is_meant =
            |lane: &&LaneFigures| lane.port == EVENT_INBOX && lane.callee == sent.destination;
        last.lanes.iter().filter(is_meant)
    };
    let is_own = sent.module == sent.destination;
    let transport = match to_inbox().next() {
        _ if is_own => OWN,
        Some(lane) => lane.transport.as_str(),
        None => BROKER,
    };
    Edge {
        from: sent.module.clone(),
        to: sent.destination.clone(),
        kind: Kind::Events,
        transport: transport.to_owned(),
        count: sent.events,
        failures: sent.refusals,
        per_second: per_second(sent.events, last.window),
        mean: if is_own { None } else { mean(to_inbox()) },
        ever: sent.ever,
    }
}

fn mean<'a>(lanes: impl IntoIterator<Item = &'a LaneFigures>) -> Option<Duration> {
    let add = |(timed, total), lane: &LaneFigures| (timed + lane.timed, total + lane.total);
    let (timed, total) = lanes.into_iter().fold((0, Duration::ZERO), add);
    u32::try_from(timed).ok().and_then(|timed| total.checked_div(timed))
}

/// At least a second: what happened at once is no thousand a second.
fn per_second(calls: u64, window: Duration) -> f64 {
    calls as f64 / window.as_secs_f64().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(caller: &str, port: &str, calls: u64, timed: u64) -> LaneFigures {
        LaneFigures {
            caller: caller.to_owned(),
            callee: "billing".to_owned(),
            port: port.to_owned(),
            transport: "http".to_owned(),
            calls,
            failures: 1,
            timed,
            total: Duration::from_millis(timed * 3),
            ever: calls + 1,
        }
    }

    fn sent(destination: &str) -> SentFigures {
        let (module, destination) = ("auth".to_owned(), destination.to_owned());
        SentFigures { module, destination, events: 60, refusals: 0, ever: 61 }
    }

    fn minute(lanes: Vec<LaneFigures>, sent: Vec<SentFigures>) -> LastMinute {
        LastMinute { window: Duration::from_secs(60), lanes, sent }
    }

    #[test]
    fn methods_of_one_caller_are_one_edge() {
        let lanes = vec![lane("auth", "BillingApi", 4, 2), lane("auth", "BillingApi", 2, 0)];
        let edges = between(&minute(lanes, Vec::new()));
        let [calls] = edges.as_slice() else { panic!("{edges:?}") };
        assert_eq!((calls.kind, calls.count, calls.failures, calls.ever), (Kind::Calls, 6, 2, 8));
        assert_eq!(calls.per_second, 0.1);
        assert_eq!(calls.mean, Some(Duration::from_millis(3)), "of those that were timed");
    }

    #[test]
    fn events_are_the_modules_and_go_as_the_program_brings_them() {
        let lanes = vec![lane("monolith", EVENT_INBOX, 5, 5)];
        let all = vec![sent("auth"), sent("billing"), sent("notifications")];
        let edges = between(&minute(lanes, all));
        let told: Vec<_> = edges
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str(), edge.transport.as_str(), edge.mean))
            .collect();
        let three = Some(Duration::from_millis(3));
        assert_eq!(
            told,
            [
                ("auth", "auth", OWN, None),
                ("auth", "billing", "http", three),
                ("auth", "notifications", BROKER, None),
            ]
        );
        assert_eq!((edges[1].count, edges[1].per_second, edges[1].ever), (60, 1.0, 61));
    }

    #[test]
    fn the_first_moment_has_no_astronomic_rate() {
        assert_eq!(per_second(3, Duration::from_millis(1)), 3.0);
    }
}
