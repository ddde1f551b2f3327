//! The ports' contract suites, and what Redis is left with.

use std::{sync::Arc, time::Duration};

use kernel::{Clock, ManualClock, SystemClock, TenantId};
use module::{CacheKey, SharedCache, cache::testing::shared_cache_contract};
use redis_limits::{RedisCache, RedisConfig, RedisLimits};
use web::limits::{Quota, RateLimitStore, testing::rate_limit_contract};

use super::{config, connect};

#[tokio::test]
async fn keeps_the_contract_of_limits() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let store = RedisLimits::by_clock(connect(&config()), Arc::clone(&clock) as _);
    rate_limit_contract(Arc::new(store), &clock).await;
}

#[tokio::test]
async fn keeps_the_contract_of_caches() {
    shared_cache_contract(&RedisCache::new(connect(&config()))).await;
}

/// All keys of a run with the milliseconds that they have left.
async fn keys(config: &RedisConfig) -> Vec<(String, i64)> {
    let client = ::redis::Client::open(config.url.expose()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let pattern = format!("{}:*", config.prefix);
    let keys: Vec<String> =
        ::redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.expect("the keys");
    let mut left = Vec::new();
    for key in keys {
        let ttl = ::redis::cmd("PTTL").arg(&key).query_async(&mut connection).await;
        left.push((key, ttl.expect("its time")));
    }
    left
}

#[tokio::test]
async fn every_key_has_an_end() {
    let config = config();
    let redis = connect(&config);
    let limits = RedisLimits::new(redis.clone());
    let quota = Quota::per_minute(10, 10).expect("within bounds");
    for _ in 0..12 {
        limits.take("somebody", quota).await.expect("an answer");
    }
    let (limit, ttl) = keys(&config).await.pop().expect("one key");
    assert_eq!(limit, format!("{}:limit:somebody", config.prefix));
    let window = i64::try_from(quota.window().as_millis()).expect("short");
    assert!((1..=window + 1_000).contains(&ttl), "{ttl}");

    let cache = RedisCache::new(redis);
    let key = CacheKey::new("test.v1", TenantId(kernel::CallId::random().0), "a");
    cache.put(&key, b"text".to_vec(), Duration::from_secs(24 * 3_600)).await;
    let longest = i64::try_from(module::LONGEST_TTL.as_millis()).expect("short");
    let keys = keys(&config).await;
    let (_, ttl) = keys.iter().find(|(key, _)| key.contains(":cache:")).expect("it is kept");
    assert!((1..=longest).contains(ttl), "{ttl}");
}
