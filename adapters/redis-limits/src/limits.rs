//! Buckets that all replicas take from.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt;
use kernel::Clock;
use redis::Script;
use web::limits::{Decision, Quota, RateLimitStore, StoreUnreachable};

use crate::link::Redis;

/// Keeps a bucket for each key in Redis. A take is one script, run by Redis as a whole, so replicas
/// cannot come between each other; time is Redis's own, so their clocks do not matter.
///
/// A key is gone a second after its bucket is full again.
#[derive(Clone)]
pub struct RedisLimits {
    redis: Redis,
    script: Arc<Script>,
    time: Time,
}

/// Whose time it is.
#[derive(Clone)]
enum Time {
    OfRedis,
    Of(Arc<dyn Clock>),
}

impl RedisLimits {
    /// In `redis`, by its clock.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let script = Arc::new(Script::new(include_str!("take.lua")));
        Self { redis, script, time: Time::OfRedis }
    }

    /// By `clock` instead of the server's own, so that a test can compare whole sequences.
    #[must_use]
    pub fn by_clock(redis: Redis, clock: Arc<dyn Clock>) -> Self {
        Self { time: Time::Of(clock), ..Self::new(redis) }
    }
}

impl Time {
    /// As the script takes it.
    fn argument(&self) -> String {
        match self {
            Self::OfRedis => String::new(),
            Self::Of(clock) => {
                (clock.now().to_offset_date_time().unix_timestamp_nanos() / 1_000).to_string()
            }
        }
    }

    /// How long a full bucket is kept. Redis forgets by its own clock, which runs while another one
    /// stands still.
    const fn keep_ms(&self) -> u64 {
        match self {
            Self::OfRedis => 1_000,
            Self::Of(_) => 600_000,
        }
    }
}

#[async_trait]
impl RateLimitStore for RedisLimits {
    async fn take(&self, key: &str, quota: Quota) -> Result<Decision, StoreUnreachable> {
        let (key, script) = (self.redis.key("limit", key), Arc::clone(&self.script));
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let (interval, window) = (micros(quota.interval()), micros(quota.window()));
        let (keep, now) = (self.time.keep_ms(), self.time.argument());
        let taken = self.redis.ask(move |mut connection| {
            async move {
                let mut take = script.key(key);
                take.arg(interval).arg(window).arg(keep).arg(now);
                take.invoke_async::<(bool, u32, u64)>(&mut connection).await
            }
            .boxed()
        });
        let (allowed, remaining, wait) = taken.await.map_err(StoreUnreachable::new)?;
        let wait = Duration::from_micros(wait);
        Ok(match allowed {
            true => Decision::Allowed { remaining, reset: wait },
            false => Decision::Limited { retry_after: wait },
        })
    }
}

impl fmt::Debug for RedisLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimits").field("redis", &self.redis).finish_non_exhaustive()
    }
}
