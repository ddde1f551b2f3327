//! The parts that a transport builds its retries from. Pure: time and chance come in as arguments.

mod backoff;
mod breaker;
mod budget;

pub use backoff::Backoff;
pub use breaker::{Breaker, Permit};
pub use budget::RetryBudget;

/// How often a call is sent at the most, the first time included.
pub const MAX_ATTEMPTS: u32 = 3;
