//! From what was counted at two moments to the situation that the advisor judges.

use std::collections::BTreeMap;

use advisor::{ModuleSituation, PredictedPrice, Situation};
use seam::price::{HopFigures, predict};

use super::{families::Buckets, sample::Sample};
use crate::config::AdvisorConfig;

/// A route is asked for often where so much of all requests is its own.
const OFTEN: f64 = 0.01;
/// And so many of them were: the 99th percentile of fewer is the luck of one.
const ENOUGH: f64 = 100.0;

/// What the machine has for the program.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Machine {
    pub(super) cores: Option<f64>,
    /// Bytes.
    pub(super) memory: Option<f64>,
}

/// The program between two moments, without its tables.
pub(super) struct Between<'a> {
    pub(super) program: &'a str,
    pub(super) earlier: &'a Sample,
    pub(super) now: &'a Sample,
    pub(super) machine: Machine,
    pub(super) config: &'a AdvisorConfig,
    /// The modules that are here.
    pub(super) modules: &'a [&'static str],
    /// Nothing where it could not be measured.
    pub(super) hop: Option<&'a HopFigures>,
}

impl Between<'_> {
    pub(super) fn situation(&self) -> Situation {
        let (earlier, now) = (self.earlier, self.now);
        let seconds = self.seconds();
        let requests = grown(earlier.requests, now.requests);
        let share = |part: Option<f64>| ratio(part?, requests?);
        let cores = self.machine.cores.map(|cores| cores * seconds);
        let (slowest_route, slowest_route_p99_ms) = self.slowest_route(requests).unzip();
        let waits = now.connection_waits.as_ref().map(|waits| {
            let before = earlier.connection_waits.clone().unwrap_or_default();
            waits.since(&before)
        });
        let statements = |reads: f64, writes: f64| ratio(reads, reads + writes);
        let replicas = f64::from(self.config.replicas.unwrap_or(1));
        Situation {
            program: self.program.to_owned(),
            window_seconds: seconds,
            requests,
            cpu: grown(earlier.cpu, now.cpu).and_then(|used| ratio(used, cores?)),
            memory: now.memory.and_then(|held| ratio(held, self.machine.memory?)),
            turned_away: share(grown(earlier.turned_away, now.turned_away)),
            connections: now.connections.map(|open| open * replicas),
            connection_wait_p99_ms: waits.and_then(|waits| millis(waits.quantile(0.99)?)),
            reads: statements(now.reads - earlier.reads, now.writes - earlier.writes),
            database_cpu: self.config.database_cpu,
            slowest_route,
            slowest_route_p99_ms,
            tables: Vec::new(),
            modules: self.modules.iter().map(|module| self.module(module)).collect(),
        }
    }

    fn seconds(&self) -> f64 {
        self.now.at.saturating_duration_since(self.earlier.at).as_secs_f64()
    }

    fn slowest_route(&self, requests: Option<f64>) -> Option<(String, f64)> {
        let none = Buckets::default();
        let of_route = |(name, now): (&String, &Buckets)| {
            let seen = now.since(self.earlier.routes.get(name).unwrap_or(&none));
            let is_often = seen.count() >= ENOUGH && seen.count() >= OFTEN * requests?;
            let p99 = seen.quantile(0.99).filter(|_| is_often)?;
            Some((name.clone(), millis(p99)?))
        };
        let routes = self.now.routes.iter().filter_map(of_route);
        routes.max_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    fn module(&self, module: &str) -> ModuleSituation {
        let seconds = self.seconds();
        let busy: BTreeMap<&str, f64> = self
            .now
            .busy
            .iter()
            .map(|(name, now)| (name.as_str(), now - self.earlier.busy.get(name).unwrap_or(&0.0)))
            .collect();
        let own = busy.get(module).copied();
        let facts = self.config.modules.get(module).copied().unwrap_or_default();
        let counted = self.now.counted.since(&self.earlier.counted);
        let asked = counted.requests.iter().find(|requests| requests.module == module);
        let predicted = self.hop.map(|hop| {
            let price = predict(module, &counted, hop);
            let of_requests = price.requests.map(|requests| requests.added.p99_us);
            let of_calls = price.calls.iter().map(|call| call.added.p99_us);
            let added_p99_ms = of_requests.into_iter().chain(of_calls).fold(0.0, f64::max) / 1e3;
            PredictedPrice { added_p99_ms, added_cores: price.added_cpu }
        });
        ModuleSituation {
            module: module.to_owned(),
            requests_per_second: asked.and_then(|asked| ratio(asked.requests as f64, seconds)),
            busy: own.and_then(|own| ratio(own, busy.values().sum())),
            busy_cores: own.and_then(|own| ratio(own, seconds)),
            growth: facts.growth,
            effect_on_others_ms: facts.effect_on_others_ms,
            deploys_per_week: facts.deploys_per_week,
            predicted,
        }
    }
}

/// A sum that was not there yet was nothing.
fn grown(earlier: Option<f64>, now: Option<f64>) -> Option<f64> {
    Some(now? - earlier.unwrap_or(0.0))
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn millis(seconds: f64) -> Option<f64> {
    seconds.is_finite().then_some(seconds * 1e3)
}
