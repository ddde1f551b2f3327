//! What is measured of a run.

use serde::Serialize;

use crate::{
    format,
    model::{DatabaseUse, histogram::Histogram, names},
};

use super::Sample;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Median latency, in microseconds.
    P50,
    /// The latency that nine in ten requests stay below, in microseconds.
    P90,
    /// The latency that 99 in 100 stay below, in microseconds.
    P99,
    /// The latency that 999 in 1,000 stay below, in microseconds.
    P999,
    /// Requests that were meant to start, a second.
    Offered,
    /// Requests answered as they should be within the measured time, a second.
    Goodput,
    /// Milliseconds of processor time of all processes but the generator, for a request done.
    CpuPerRequest,
    /// Requests done for a second of processor time.
    RequestsPerCpu,
    /// The sum over programs, engines left out, of the most that each was seen to hold, in bytes.
    Memory,
    /// Times that a program waited for the database, for a request.
    RoundTrips,
    /// Bytes to and from the database, for a request.
    DatabaseBytes,
    /// Bytes to and from the client, for a request done.
    Bytes,
}

impl Metric {
    /// The percentiles that latency is told by.
    pub const PERCENTILES: [Self; 4] = [Self::P50, Self::P90, Self::P99, Self::P999];

    /// What shapes are compared by.
    pub const COMPARED: [Self; 6] =
        [Self::P50, Self::P90, Self::P99, Self::P999, Self::CpuPerRequest, Self::Memory];

    /// What the run measured; nothing where it did not, or for a part of a run what only the whole
    /// has.
    #[must_use]
    pub fn of(self, sample: &Sample<'_>) -> Option<f64> {
        let done = sample.counts.done as f64;
        // Processor time, too, is what was used within the measured time.
        let finished = sample.counts.finished as f64;
        let whole = || sample.is_whole.then_some(());
        let database = || whole().and(sample.run.database.as_ref());
        let per_served = |value: u64, used: &DatabaseUse| value as f64 / used.requests as f64;
        let value = match self {
            Self::P50 => percentile(&sample.latency, 0.5)?,
            Self::P90 => percentile(&sample.latency, 0.9)?,
            Self::P99 => percentile(&sample.latency, 0.99)?,
            Self::P999 => percentile(&sample.latency, 0.999)?,
            Self::Offered => sample.counts.intended as f64 / sample.run.measured_s,
            Self::Goodput => finished / sample.run.measured_s,
            Self::CpuPerRequest => whole().and(cpu(sample))? / 1e3 / finished,
            Self::RequestsPerCpu => finished / (whole().and(cpu(sample))? / 1e6),
            Self::Memory => whole().and(memory(sample))?,
            Self::RoundTrips => database().map(|used| per_served(used.round_trips, used))?,
            Self::DatabaseBytes => {
                database().map(|used| per_served(used.sent.saturating_add(used.received), used))?
            }
            Self::Bytes => sample.counts.bytes as f64 / done,
        };
        value.is_finite().then_some(value)
    }

    /// As it stands in a table's head or in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Offered => "offered",
            Self::Goodput => "goodput",
            Self::CpuPerRequest => "CPU per request",
            Self::RequestsPerCpu => "requests per CPU second",
            Self::Memory => "resident memory",
            Self::RoundTrips => "database round trips",
            Self::DatabaseBytes => "database bytes",
            Self::Bytes => "bytes on the wire",
        }
    }

    /// A value with its unit.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::P50 | Self::P90 | Self::P99 | Self::P999 => format::micros(value),
            Self::Offered | Self::Goodput => format::rate(value),
            Self::CpuPerRequest => format::micros(value * 1e3),
            Self::Memory | Self::DatabaseBytes | Self::Bytes => format::bytes(value),
            Self::RequestsPerCpu | Self::RoundTrips => format::number(value),
        }
    }
}

/// The time in microseconds that the share `quantile` of requests stayed below; nothing where none
/// was done.
#[must_use]
pub fn percentile(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64)
}

/// Microseconds of processor time; nothing where no process was looked at.
fn cpu(sample: &Sample<'_>) -> Option<f64> {
    sample.servers().map(|(_, process)| process.cpu as f64).reduce(|sum, cpu| sum + cpu)
}

fn memory(sample: &Sample<'_>) -> Option<f64> {
    // What an engine holds is the same for all shapes, and would hide what a second program adds.
    let programs = sample.servers().filter(|(name, _)| !names::ENGINES.contains(name));
    programs.map(|(_, process)| process.resident_peak as f64).reduce(|sum, one| sum + one)
}
