//! What was measured, as it is written to `campaign.json`.
//!
//! Times are whole microseconds and sizes are bytes unless a name says otherwise. Latency counts
//! from the instant at which a request was *meant* to start, so that a server that stands still is
//! charged for everybody who would have come meanwhile.
//!
//! [`names`] holds the names that the report looks for; what it does not find it calls not measured.

mod file;
mod generator;
pub mod histogram;
pub mod names;

pub use file::FileError;
pub use generator::{Generator, Late};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything that one report is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// What was run, on what.
    pub about: About,
    /// In the order in which they were run.
    pub runs: Vec<Run>,
    /// Programs started to see how soon they are ready, in the order in which they were.
    #[serde(default)]
    pub starts: Vec<Start>,
}

/// What was run, on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The commit of the programs, in full; `-dirty` at its end where files were changed.
    pub commit: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// The command that repeats it.
    pub command: String,
    /// How the programs were compiled: `optimised`, or not.
    #[serde(default)]
    pub build: Build,
    /// What arrivals and choices are derived from.
    pub seed: u64,
    /// `embedded`, or such as `PostgreSQL 15.8 and RabbitMQ 3.10.8`.
    pub engine: String,
    /// The machine.
    pub machine: Machine,
    /// What the programs were given to start with.
    pub data: Data,
    /// What the reader must know before trusting a figure, such as that the generator shared the
    /// programs' cores.
    pub caveats: Vec<String>,
    /// Whole seconds from the command's start to its end, without a soak; 0 where nobody took the
    /// time.
    #[serde(default)]
    pub took_s: u64,
}

/// How the programs were compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Build {
    /// As they are deployed.
    Optimised,
    /// Quick to build and slow to run: no figure says anything of the product.
    Unoptimised,
    /// Somebody else built them.
    #[default]
    Unknown,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Logical processors.
    pub cores: u32,
    /// What the processor calls itself.
    pub processor: String,
    /// Bytes of memory.
    pub memory: u64,
    /// Kernel and distribution.
    pub system: String,
}

/// What the programs were given to start with; the same for every run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// Organisations.
    pub tenants: u64,
    /// People who can log in.
    pub people: u64,
    /// Tenants that pay.
    pub subscriptions: u64,
    /// Invoices.
    pub invoices: u64,
    /// Usage events.
    pub usage_events: u64,
}

/// One stretch of load on one freshly started shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it is a part of.
    pub part: Part,
    /// `monolith`, or such as `billing extracted`.
    pub shape: String,
    /// Which of the alternatives of its part, where there are several of one shape, such as `A` and
    /// `B` of an A/A run, or `2 replicas`; else empty.
    pub variant: String,
    /// Counts from 0; runs of the same number ran next to each other.
    pub repeat: u32,
    /// The scenario's name, such as `mixed-day`.
    pub scenario: String,
    /// How requests came.
    pub load: Load,
    /// Seconds before measuring began.
    pub warm_up_s: f64,
    /// Seconds that were measured.
    pub measured_s: f64,
    /// By name, such as `GET /v1/billing/subscription`.
    pub operations: BTreeMap<String, Operation>,
    /// One entry for each second that was measured.
    pub timeline: Vec<Second>,
    /// By name, such as `monolith` or `postgres`; the generator is `loadtest`.
    pub processes: BTreeMap<String, ProcessUse>,
    /// What went between programs and database, where that was counted.
    pub database: Option<DatabaseUse>,
    /// Where the time of a call between programs goes, where there was one.
    pub hop: Option<Hop>,
    /// What the shape's program said that it would cost to have billing in one of its own, where it
    /// was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Prediction>,
    /// What the generator itself did and needed, where it told.
    #[serde(default)]
    pub generator: Option<Generator>,
    /// What the books said afterwards.
    pub ledger: Ledger,
}

/// What a run is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The same shape twice: how far two runs of the same thing lie apart.
    Noise,
    /// The shapes against each other at one rate.
    Compare,
    /// Rising rates, to find the knee.
    Sweep,
    /// Far more than can be served.
    Overload,
    /// A flood of usage on billing while people log in.
    NoisyNeighbour,
    /// One replica of billing against two.
    Scaling,
    /// Programs replaced one after the other under load.
    RollingRestart,
    /// The same for hours.
    Soak,
    /// One read against a handler written by hand.
    Baseline,
    /// The same with telemetry and without.
    Telemetry,
}

/// How requests came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum Load {
    /// Whether or not earlier ones were answered.
    Open {
        /// Journeys begun a second, on average.
        rate: f64,
    },
    /// Each of so many people waits for an answer before going on.
    Closed {
        /// How many.
        people: u32,
    },
}

/// One start of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The program, such as `monolith`.
    pub program: String,
    /// What it stood on: `embedded`, or such as `PostgreSQL 15.8`.
    pub engine: String,
    /// Microseconds from its start to the first answer that it is ready.
    pub ready: u64,
}

/// What became of one kind of request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Requests that were meant to start within the measured time.
    pub intended: u64,
    /// Those that were answered as they should be, however late.
    pub done: u64,
    /// Requests that were answered as they should be within the measured time, whenever they were
    /// meant to start: what a server does for a second says this, and not what it does later of what
    /// it was asked then.
    pub finished: u64,
    /// Those that were not, by what came instead: `503`, `timeout`, `reset`, …
    pub failed: BTreeMap<String, u64>,
    /// Those never sent, as too many were under way already.
    pub dropped: u64,
    /// Bytes sent and received, with headers as far as the client sees them.
    pub bytes: u64,
    /// Microseconds from the intended start to the end of the answer, of those `done`: an
    /// HdrHistogram (V2, compressed, base64).
    pub latency: String,
    /// The same from when the request was really sent.
    pub service: String,
}

/// One second of a run, over all operations; by the instant at which requests were meant to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Requests that were meant to start.
    pub offered: u64,
    /// Those that were answered as they should be.
    pub done: u64,
    /// Those that were not, and those never sent.
    pub failed: u64,
    /// Latency of those `done`; 0 where there was none.
    pub p50: u64,
    /// As above.
    pub p99: u64,
    /// As above.
    pub max: u64,
}

/// What one process, or several of one name together, used while it was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// How many there were.
    pub count: u32,
    /// Microseconds of processor time, in user and kernel mode.
    pub cpu: u64,
    /// Resident bytes at the beginning and at the end.
    pub resident: (u64, u64),
    /// The most that was seen resident.
    pub resident_peak: u64,
    /// Resident bytes at even intervals over the measured time, from its beginning to its end; empty
    /// where only beginning and end were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resident_over_time: Vec<u64>,
}

/// What went between programs and database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUse {
    /// Times that a program waited for an answer.
    pub round_trips: u64,
    /// Bytes to the database.
    pub sent: u64,
    /// Bytes from it.
    pub received: u64,
    /// How many requests were served meanwhile.
    pub requests: u64,
}

/// Where the time of a call between programs goes: mean microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Calls that this is the mean of.
    pub calls: u64,
    /// Argument and result, both ways, both sides.
    pub serialize: f64,
    /// Between the end of the one side's work and the beginning of the other's, both ways.
    pub network: f64,
    /// In the callee, before a handler had it.
    pub queue: f64,
    /// In the callee's handler.
    pub handle: f64,
}

/// What extraction would add, as the program said that had the module: microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// To the median of a client's request for the module.
    pub request_p50: f64,
    /// To the 99th percentile.
    pub request_p99: f64,
    /// To the mean call between modules that would leave the process; nothing where there was none.
    pub call_mean: Option<f64>,
    /// Processor time, to the mean request of the whole run.
    pub cpu_per_request: f64,
}

/// What the books said after a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What was compared, such as `subscriptions` and `charges`: what the client was told, and what
    /// is there.
    pub compared: BTreeMap<String, (u64, u64)>,
    /// What does not agree, a sentence for each; none where the books balance.
    pub faults: Vec<String>,
}
