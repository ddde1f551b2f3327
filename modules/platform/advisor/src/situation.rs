use serde::{Deserialize, Serialize};

/// What was measured of one program, with what its operators told it. A share is between 0 and 1; a
/// figure that is missing was not measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Situation {
    /// The program's name.
    pub program: String,
    /// Seconds over which rates and shares were taken.
    pub window_seconds: f64,
    /// Requests of clients that were answered within the window.
    pub requests: Option<f64>,
    /// Of the processor time that the machine has for the program, what it took.
    pub cpu: Option<f64>,
    /// Of the memory that the program may use, what it holds.
    pub memory: Option<f64>,
    /// For each request of a client, the waits for a turn that ended in vain although others had theirs: more
    /// came than is let in. What is not to be had at all is none of them.
    pub turned_away: Option<f64>,
    /// Connections to the database that are open, of all replicas together.
    pub connections: Option<f64>,
    /// Milliseconds that 99 in 100 requests wait for a connection at the most.
    pub connection_wait_p99_ms: Option<f64>,
    /// Of the statements, those that only read.
    pub reads: Option<f64>,
    /// Of the database server's processor time, what is used. Told by operators.
    pub database_cpu: Option<f64>,
    /// The route whose requests take longest, of those that are asked for often.
    pub slowest_route: Option<String>,
    /// Milliseconds within which 99 in 100 requests of that route are answered.
    pub slowest_route_p99_ms: Option<f64>,
    /// The largest tables.
    pub tables: Vec<TableSituation>,
    /// The modules that are in this program.
    pub modules: Vec<ModuleSituation>,
}

/// What was measured of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSituation {
    /// The module whose it is.
    pub module: String,
    /// Its name.
    pub table: String,
    /// Rows, as the database estimates them.
    pub rows: Option<f64>,
}

/// What was measured of a module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModuleSituation {
    /// Its name.
    pub module: String,
    /// Requests of clients for it, a second.
    pub requests_per_second: Option<f64>,
    /// Of the time that the program is at work, for all of its modules and for itself (`host` among
    /// the metrics), this module's own.
    pub busy: Option<f64>,
    /// Processor seconds a second: what it is at work, of one core.
    pub busy_cores: Option<f64>,
    /// How much faster it grows than the other modules: 2 is twice as fast. Told by operators.
    pub growth: Option<f64>,
    /// Milliseconds that it adds to the 99th percentile of other modules' requests when it is
    /// flooded, as a load test shows. Told by operators.
    pub effect_on_others_ms: Option<f64>,
    /// How often it alone is changed, a week. Told by operators.
    pub deploys_per_week: Option<f64>,
    /// What a program of its own would cost.
    pub predicted: Option<PredictedPrice>,
}

/// What it would cost to have a module in a program of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedPrice {
    /// Milliseconds that its dearest hop takes, of a request that is passed on or of a call: the 99th
    /// percentile. A request that makes several pays for each.
    pub added_p99_ms: f64,
    /// Processor seconds a second, of all programs together.
    pub added_cores: f64,
}
