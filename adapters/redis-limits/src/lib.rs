//! Rate limits and short-lived caches that several replicas share over Redis (5 or newer).
//!
//! *Invariants*: nothing here is the truth, and nothing fails for want of Redis: a question that is
//! not answered within a moment is given up, and whoever asked goes on without. Every key has an
//! end. What a key or the address of Redis contains appears in no error and no log.

mod cache;
mod limits;
mod link;

pub use cache::RedisCache;
pub use limits::RedisLimits;
pub use link::{Redis, RedisConfig, RedisConfigError, RedisFailure};
