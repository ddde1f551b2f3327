//! What the runs say, with how far each figure may be off.
//!
//! A run is one observation, however many requests it made: requests of one run share its machine,
//! its caches and its bad luck, so an interval over them would be far too narrow. Every interval is
//! therefore Student's t over repeats, at 95 %. A bootstrap was weighed: it draws from the few
//! values that there are, and with five of them covers the truth clearly less often than it says.
//! The t-interval owns up to the few degrees of freedom, needs no random numbers, and asks only that
//! *means of runs* be roughly normal, not latencies.
//!
//! Shapes are compared by the difference within each repeat, since those ran next to each other:
//! what slows the machine for a while slows both and falls out.

mod compare;
mod cost;
mod estimate;
mod group;
mod memory;
mod metric;
mod sweep;

pub use compare::{Judgement, Paired, counterparts, noise, paired};
pub use cost::{Cost, Prices};
pub use estimate::Estimate;
pub use group::{Counts, Group, Key, Sample, Statistics};
pub use memory::{Growth, growth};
pub use metric::{Metric, percentile};
pub use sweep::{Bound, Curve, Knee, Overload, Point, curves, overloads};
