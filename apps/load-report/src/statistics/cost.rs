//! What a million requests cost.

use super::{Estimate, Group, Metric};

/// What an hour of each costs, in any one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// A virtual processor.
    pub cpu_hour: f64,
    /// A GiB of memory.
    pub gib_hour: f64,
}

impl Prices {
    /// An example, near what clouds ask for containers by the second; the page lets its reader put
    /// in others.
    pub const EXAMPLE: Self = Self { cpu_hour: 0.04, gib_hour: 0.0045 };
}

/// What a million requests use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Hours of a processor, as used and not as reserved.
    pub cpu_hours: f64,
    /// GiB hours of memory: what is resident, for as long as a million requests take at the rate at
    /// which they were measured.
    pub gib_hours: f64,
}

impl Cost {
    /// Of the mean run of `group`; nothing where no process was looked at or nothing was done.
    #[must_use]
    pub fn of(group: &Group<'_>) -> Option<Self> {
        let mean = |metric: Metric| {
            let values: Vec<f64> =
                group.samples.iter().filter_map(|sample| metric.of(sample)).collect();
            Estimate::of(&values).map(|estimate| estimate.mean)
        };
        let hours = 1e6 / mean(Metric::Goodput)? / SECONDS_AN_HOUR;
        let gib_hours = mean(Metric::Memory)? / GIB * hours;
        let cpu_hours = mean(Metric::CpuPerRequest)? / 1e3 * 1e6 / SECONDS_AN_HOUR;
        (gib_hours.is_finite() && cpu_hours.is_finite()).then_some(Self { cpu_hours, gib_hours })
    }

    /// In the currency of the prices.
    #[must_use]
    pub fn total(&self, prices: Prices) -> f64 {
        self.cpu_hours * prices.cpu_hour + self.gib_hours * prices.gib_hour
    }
}

const SECONDS_AN_HOUR: f64 = 3_600.0;
const GIB: f64 = 1_073_741_824.0;
