//! The names by which the report finds what a target speaks of.

/// The process that makes the load; its processor time and memory are nobody's cost.
pub const GENERATOR: &str = "loadtest";

/// Processes that are not the product's own programs. What they use is counted with a shape's cost,
/// but a database's cache may grow.
pub const ENGINES: [&str; 4] = ["haproxy", "postgres", "rabbitmq", "redis"];

/// The shape that every other one is compared with.
pub const MONOLITH: &str = "monolith";

/// In a baseline: the shape that is a handler written by hand with the same guarantees, which verifies
/// each token whenever it comes.
pub const BY_HAND: &str = "by hand";

/// In a baseline: the same, which remembers tokens that it has verified, as the product does.
pub const REMEMBERING: &str = "by hand, remembering tokens";

/// In a baseline: the shape that is a handler written by hand, with no guarantees.
pub const BARE: &str = "bare";

/// In a run of [`Part::Telemetry`](super::Part): the variant that tells nobody of its work.
pub const TELEMETRY_OFF: &str = "telemetry off";

/// The variant whose metrics are read, and whose traces go to a collector.
pub const TELEMETRY_ON: &str = "telemetry on";

/// The scenario in which the throughput that extraction keeps is judged.
pub const MIXED_DAY: &str = "mixed-day";

/// How the name of an operation that is a read of billing begins.
pub const BILLING_READS: &str = "GET /v1/billing/";

/// What the path of an operation on billing begins with, after the method.
pub const BILLING_PATH: &str = " /v1/billing/";

/// The engine on which the monolith's start is judged.
pub const EMBEDDED: &str = "embedded";
