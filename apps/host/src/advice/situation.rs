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
            // How many calls a request makes is not known, so that it is the dearest hop, and not their sum.
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use seam::{
        RequestFigures,
        price::{Cost, Counted},
    };

    use super::*;

    const MODULES: [&str; 2] = ["auth", "billing"];

    fn empty(at: Instant) -> Sample {
        Sample {
            at,
            routes: BTreeMap::new(),
            requests: None,
            turned_away: None,
            cpu: None,
            memory: None,
            connections: None,
            connection_waits: None,
            reads: 0.0,
            writes: 0.0,
            busy: BTreeMap::new(),
            counted: Counted::default(),
        }
    }

    /// A program a hundred seconds apart, on a machine of two cores and a thousand bytes.
    fn between(change: impl Fn(&mut Sample, &mut Sample, &mut AdvisorConfig)) -> Situation {
        let begin = Instant::now();
        let (mut earlier, mut now) = (empty(begin), empty(begin + Duration::from_secs(100)));
        let mut config = AdvisorConfig::default();
        change(&mut earlier, &mut now, &mut config);
        let cost = |p99_us| Cost { mean_us: 1.0, p50_us: 1.0, p99_us, cpu_us: 1_000.0 };
        let hop = HopFigures { made: 1, call: cost(500.0), request: cost(2_000.0) };
        Between {
            program: "monolith",
            earlier: &earlier,
            now: &now,
            machine: Machine { cores: Some(2.0), memory: Some(1_000.0) },
            config: &config,
            modules: &MODULES,
            hop: Some(&hop),
        }
        .situation()
    }

    #[test]
    fn shares_are_of_what_there_is_within_the_window() {
        let situation = between(|earlier, now, config| {
            (earlier.requests, now.requests) = (Some(100.0), Some(300.0));
            (earlier.turned_away, now.turned_away) = (Some(7.0), Some(9.0));
            (earlier.cpu, now.cpu) = (Some(10.0), Some(60.0));
            (earlier.memory, now.memory) = (Some(900.0), Some(250.0));
            (earlier.reads, now.reads) = (50.0, 80.0);
            (earlier.writes, now.writes) = (50.0, 60.0);
            now.connections = Some(12.0);
            config.replicas = Some(3);
        });
        assert_eq!(situation.window_seconds, 100.0);
        assert_eq!(situation.requests, Some(200.0));
        assert_eq!(situation.turned_away, Some(0.01));
        assert_eq!(situation.cpu, Some(0.25));
        assert_eq!(situation.memory, Some(0.25));
        assert_eq!(situation.reads, Some(0.75));
        assert_eq!(situation.connections, Some(36.0));
    }

    #[test]
    fn a_program_that_nobody_uses_has_no_shares() {
        let situation = between(|earlier, now, _| {
            (earlier.requests, now.requests) = (Some(5.0), Some(5.0));
            (earlier.turned_away, now.turned_away) = (Some(0.0), Some(0.0));
        });
        assert_eq!(situation.requests, Some(0.0));
        assert_eq!((situation.turned_away, situation.reads, situation.cpu), (None, None, None));
        assert_eq!(situation.slowest_route, None);
    }

    #[test]
    fn the_slowest_route_is_one_that_is_asked_for_often() {
        let seen = |quick, slow| Buckets::test(&[(0.1, quick), (1.0, quick + slow)]);
        let situation = between(|earlier, now, _| {
            now.requests = Some(20_000.0);
            let route = |name: &str, seen| (name.to_owned(), seen);
            earlier.routes = [route("GET /was-slow", seen(0.0, 500.0))].into();
            now.routes = [
                route("GET /was-slow", seen(500.0, 500.0)),
                route("GET /slow", seen(0.0, 400.0)),
                route("GET /seldom", seen(0.0, 99.0)),
            ]
            .into();
        });
        assert_eq!(situation.slowest_route.as_deref(), Some("GET /slow"));
        assert!((900.0..=1_000.0).contains(&situation.slowest_route_p99_ms.expect("a figure")));
    }

    #[test]
    fn a_module_is_measured_by_its_part_of_the_work() {
        let situation = between(|earlier, now, _| {
            let busy =
                |auth, billing| [("auth".to_owned(), auth), ("billing".to_owned(), billing)].into();
            (earlier.busy, now.busy) = (busy(10.0, 10.0), busy(20.0, 40.0));
            let asked = RequestFigures {
                module: "billing".to_owned(),
                requests: 500,
                ..RequestFigures::default()
            };
            let over = Duration::from_secs(100);
            now.counted = Counted { over, calls: Vec::new(), requests: vec![asked] };
        });
        let [auth, billing] = &situation.modules[..] else { panic!("{situation:?}") };
        assert_eq!((auth.busy, auth.busy_cores), (Some(0.25), Some(0.1)));
        assert_eq!((billing.busy, billing.busy_cores), (Some(0.75), Some(0.3)));
        assert_eq!(billing.requests_per_second, Some(5.0));
        let predicted = billing.predicted.expect("a price");
        // A millisecond of processor time for each of five requests a second.
        assert_eq!((predicted.added_p99_ms, predicted.added_cores), (2.0, 0.005));
        assert_eq!(auth.predicted.expect("a price").added_cores, 0.0);
    }
}
