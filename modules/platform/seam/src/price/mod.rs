//! What it would cost to have a module in a program of its own, told by a program that has it.
//!
//! Three things make it up: how often the module is called and asked from outside; what those calls
//! would weigh on the wire, which some of them are written and read for
//! ([`WireFigures`](crate::WireFigures)); and what a hop costs on this machine, which somebody has to
//! measure.

mod prediction;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CallFigures, RequestFigures};

pub use prediction::predict;

/// What it costs to go to another program on the same machine and back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HopFigures {
    /// How many hops of each kind were made.
    pub made: usize,
    /// A call to a port of another program, of a few bytes.
    pub call: Cost,
    /// A client's request that a program passes on, beyond one that goes to its owner directly.
    pub request: Cost,
}

/// What something adds to each call or request: microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// To the mean of durations.
    pub mean_us: f64,
    /// To their median.
    pub p50_us: f64,
    /// To their 99th percentile.
    pub p99_us: f64,
    /// Processor time of all programs involved, together.
    pub cpu_us: f64,
}

/// What was counted within a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// How long it was counted.
    pub over: Duration,
    /// Calls between modules.
    pub calls: Vec<CallFigures>,
    /// Requests of clients.
    pub requests: Vec<RequestFigures>,
}

/// What it would cost to have `module` in a program of its own on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtractionPrice {
    /// Its name.
    pub module: String,
    /// Over how many seconds the rates are.
    pub window_seconds: f64,
    /// Calls that stay in the process today and would leave it.
    pub calls: Vec<CallPrice>,
    /// Requests of clients that would be passed on to the module's program; none where no client asked.
    pub requests: Option<RequestPrice>,
    /// Processor seconds for each second, of all programs together: 0.1 is a tenth of a core.
    pub added_cpu: f64,
}

/// Of one caller's calls to one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallPrice {
    /// The module or program that calls.
    pub caller: String,
    /// The module that is called.
    pub callee: String,
    /// The port's name.
    pub port: String,
    /// The method's name.
    pub method: String,
    /// Calls a second.
    pub per_second: f64,
    /// Mean bytes of their arguments on the wire, without headers, of those that were weighed.
    pub request_bytes: f64,
    /// Mean bytes of their answers.
    pub response_bytes: f64,
    /// To each of them.
    pub added: Cost,
}

/// Of the requests for one module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestPrice {
    /// Requests a second.
    pub per_second: f64,
    /// Mean bytes of their bodies.
    pub request_bytes: f64,
    /// Mean bytes of the answers' bodies.
    pub response_bytes: f64,
    /// To each of them.
    pub added: Cost,
}

impl Counted {
    /// What came since `earlier`, which was counted by the same process. What calls would weigh is that of
    /// all so far, where none of those since was weighed: few are, and they are much alike.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let calls = self.calls.iter().map(|now| {
            let before = earlier.calls.iter().find(|before| before.is_same_lane(now));
            let since = before.map_or_else(|| now.clone(), |before| now.since(before));
            let as_wire = since.as_wire.filter(|wire| wire.weighed > 0).or(now.as_wire);
            CallFigures { as_wire, ..since }
        });
        let requests = self.requests.iter().map(|now| {
            let before = earlier.requests.iter().find(|before| before.module == now.module);
            before.map_or_else(|| now.clone(), |before| now.since(before))
        });
        Self {
            over: self.over.saturating_sub(earlier.over),
            calls: calls.collect(),
            requests: requests.collect(),
        }
    }
}
