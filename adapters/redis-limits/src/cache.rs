//! What all replicas remember together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture};
use module::{CacheKey, LARGEST_VALUE, LONGEST_TTL, SharedCache};
use redis::{Cmd, FromRedisValue, RedisResult, aio::ConnectionManager};
use seam::resilience::{Breaker, Permit};

use crate::link::Redis;

/// Keeps values in Redis. While that is down it knows nothing, and asks only now and then.
#[derive(Clone, Debug)]
pub struct RedisCache {
    redis: Redis,
    outage: Arc<Outage>,
}

#[derive(Debug, Default)]
struct Outage {
    breaker: Breaker,
    /// Whether it was said.
    told: AtomicBool,
}

impl RedisCache {
    /// In `redis`.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis, outage: Arc::default() }
    }

    async fn ask<T: FromRedisValue + Send + 'static>(&self, command: Cmd) -> Option<T> {
        let Outage { breaker, told } = &*self.outage;
        if breaker.permit(Instant::now()) == Permit::Refuse {
            return None;
        }
        let work = move |mut connection: ConnectionManager| -> BoxFuture<'static, RedisResult<T>> {
            async move { command.query_async(&mut connection).await }.boxed()
        };
        match self.redis.ask(work).await {
            Ok(answer) => {
                breaker.succeeded();
                if told.swap(false, Ordering::Relaxed) {
                    tracing::info!("the shared cache answers again");
                }
                Some(answer)
            }
            Err(error) => {
                breaker.failed(Instant::now());
                if !breaker.is_closed() && !told.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the shared cache is down; everything is asked for anew"
                    );
                }
                None
            }
        }
    }

    fn key(&self, key: &CacheKey) -> String {
        self.redis.key("cache", key.as_str())
    }
}

#[async_trait]
impl SharedCache for RedisCache {
    async fn get(&self, key: &CacheKey) -> Option<Vec<u8>> {
        self.ask::<Option<Vec<u8>>>(Cmd::get(self.key(key))).await.flatten()
    }

    async fn put(&self, key: &CacheKey, value: Vec<u8>, ttl: Duration) {
        if value.len() > LARGEST_VALUE {
            return self.forget(key).await;
        }
        // Redis refuses a time of zero.
        let ttl = u64::try_from(ttl.min(LONGEST_TTL).as_millis()).unwrap_or(u64::MAX).max(1);
        self.ask::<()>(Cmd::pset_ex(self.key(key), value, ttl)).await;
    }

    async fn forget(&self, key: &CacheKey) {
        self.ask::<()>(Cmd::del(self.key(key))).await;
    }
}
