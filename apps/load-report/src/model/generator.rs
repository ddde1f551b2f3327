//! What the generator itself did: whether its figures can be trusted.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// What the generator itself did and needed, while it was measured where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generator {
    /// Threads that sent.
    pub workers: usize,
    /// Requests that were sent.
    pub requests: u64,
    /// Microseconds of processor time of the whole process.
    pub cpu: u64,
    /// Microseconds that requests were sent later than they were meant to: a part of each latency.
    pub late: Late,
    /// Journeys begun, warm-up included.
    pub journeys: u64,
    /// Those that came to their end.
    pub complete: u64,
    /// Those that ended at a request that failed.
    pub failed: u64,
    /// Those that the end of the run cut short.
    pub over: u64,
    /// Those that could not go on, by what was missing.
    pub stuck: BTreeMap<String, u64>,
    /// The most journeys that were under way at once in each worker, together.
    pub most_under_way: usize,
    /// What the reader must know, such as what was left out.
    pub remarks: Vec<String>,
}

/// Microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// Half of all were later.
    pub p50: u64,
    /// One in a hundred was later.
    pub p99: u64,
    /// The latest.
    pub max: u64,
}

impl Generator {
    /// Requests for each second of processor time.
    #[must_use]
    pub fn requests_per_cpu_second(&self) -> f64 {
        self.requests as f64 / Duration::from_micros(self.cpu.max(1)).as_secs_f64()
    }
}
