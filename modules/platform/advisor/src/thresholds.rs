use serde::{Deserialize, Serialize};

/// From where on a figure asks for something. Shares are between 0 and 1.
///
/// The defaults are where a remedy begins to pay on common machines; the page of the pathway
/// (`docs/scaling.md`) says where each comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Seconds that must have been measured before rates say anything: 300. A shorter window sees a
    /// burst, or a pause.
    pub window_seconds: f64,
    /// Requests that must have been answered in it: 1,000. The 99th percentile of fewer is the luck
    /// of ten.
    pub requests: f64,
    /// Of the program's processors: 0.7. Beyond it queues grow faster than load.
    pub cpu: f64,
    /// Of the program's memory: 0.8. What is left is for a burst.
    pub memory: f64,
    /// Of the requests, what may be turned away: 0.01.
    pub turned_away: f64,
    /// Connections to one PostgreSQL server: 200. Each is a process there, and what they take of it
    /// grows with their number.
    pub connections: f64,
    /// Milliseconds of waiting for a connection at the 99th percentile: 50.
    pub connection_wait_p99_ms: f64,
    /// Of the database server's processors, where a cache helps: 0.5.
    pub cached_database_cpu: f64,
    /// Of the statements, those that must be reads for a cache to be worth its staleness: 0.9.
    pub cached_reads: f64,
    /// Of the database server's processors, where it needs help: 0.7.
    pub database_cpu: f64,
    /// Of the statements, those that must be reads for a replica to take work away: 0.5.
    pub reads: f64,
    /// Milliseconds at the 99th percentile of a route that people wait for: 1,000, where they lose
    /// the thread.
    pub route_p99_ms: f64,
    /// Rows of one table: 100 million. Beyond it a vacuum takes hours and an index no longer fits
    /// into memory on common machines.
    pub rows: f64,
    /// How many of the reasons below a module must have to be extracted: 2.
    pub reasons: usize,
    /// Of the program's work, a module's own: 0.4.
    pub module_busy: f64,
    /// How much faster than the others a module grows: 2.
    pub module_growth: f64,
    /// Milliseconds that it adds to the 99th percentile of others: 50.
    pub module_effect_ms: f64,
    /// Changes of a module alone, a week: 5.
    pub module_deploys: f64,
    /// What a hop may add to the 99th percentile of a module's requests, in milliseconds: 5.
    pub price_p99_ms: f64,
    /// What hops may take, of the module's own work: 0.25.
    pub price_of_busy: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            window_seconds: 300.0,
            requests: 1_000.0,
            cpu: 0.7,
            memory: 0.8,
            turned_away: 0.01,
            connections: 200.0,
            connection_wait_p99_ms: 50.0,
            cached_database_cpu: 0.5,
            cached_reads: 0.9,
            database_cpu: 0.7,
            reads: 0.5,
            route_p99_ms: 1_000.0,
            rows: 100_000_000.0,
            reasons: 2,
            module_busy: 0.4,
            module_growth: 2.0,
            module_effect_ms: 50.0,
            module_deploys: 5.0,
            price_p99_ms: 5.0,
            price_of_busy: 0.25,
        }
    }
}

impl Thresholds {
    /// What is wrong with them: a name and what it must be, for each that is.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let shares = [
            ("cpu", self.cpu),
            ("memory", self.memory),
            ("turned_away", self.turned_away),
            ("cached_database_cpu", self.cached_database_cpu),
            ("cached_reads", self.cached_reads),
            ("database_cpu", self.database_cpu),
            ("reads", self.reads),
            ("module_busy", self.module_busy),
        ];
        let others = [
            ("window_seconds", self.window_seconds),
            ("requests", self.requests),
            ("connections", self.connections),
            ("connection_wait_p99_ms", self.connection_wait_p99_ms),
            ("route_p99_ms", self.route_p99_ms),
            ("rows", self.rows),
            ("module_growth", self.module_growth),
            ("module_effect_ms", self.module_effect_ms),
            ("module_deploys", self.module_deploys),
            ("price_p99_ms", self.price_p99_ms),
            ("price_of_busy", self.price_of_busy),
        ];
        let shares = shares.into_iter().filter(|(_, share)| !(0.0..=1.0).contains(share));
        let shares = shares.map(|(name, _)| (name, "is a share, between 0 and 1"));
        let others = others.into_iter().filter(|(_, value)| !(value.is_finite() && *value > 0.0));
        let others = others.map(|(name, _)| (name, "is more than 0"));
        let reasons = (!(1..=4).contains(&self.reasons)).then_some(("reasons", "is 1 to 4"));
        shares.chain(others).chain(reasons).collect()
    }
}
