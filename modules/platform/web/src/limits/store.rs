//! The port of whoever keeps the buckets.

use std::{error::Error, time::Duration};

use seam::async_trait;

use super::gcra::Quota;

/// Keeps a bucket for each key, for one process or for all replicas.
///
/// **Retries.** A take that failed may have been counted or not: it is not sent again, and the
/// request goes on without it. An implementation answers within a small fraction of a request's
/// time (the one over a network gives up after 50 ms): a caller waits for it.
///
/// A key that nobody uses is forgotten, at the latest a day after ([`Quota::LONGEST_WINDOW`]).
#[async_trait]
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes one request out of the bucket of `key`, if there is one left. Takes of one key are
    /// decided one after the other, however many come at once.
    ///
    /// # Errors
    /// The store cannot say.
    async fn take(&self, key: &str, quota: Quota) -> Result<Decision, StoreUnreachable>;
}

/// Whether a request is within its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is, and was counted.
    Allowed {
        /// How many more are allowed at once.
        remaining: u32,
        /// How long until the whole burst is allowed again.
        reset: Duration,
    },
    /// It is not, and was not counted.
    Limited {
        /// How long until one is allowed.
        retry_after: Duration,
    },
}

/// The store did not answer, or not in time.
#[derive(Debug, thiserror::Error)]
#[error("the store of the rate limits did not answer")]
pub struct StoreUnreachable(#[source] Box<dyn Error + Send + Sync>);

impl StoreUnreachable {
    /// For the implementations.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
