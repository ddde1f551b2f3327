//! What must not be told.

use kernel::Secret;
use redis_limits::{Redis, RedisCache, RedisConfig, RedisLimits};
use tokio::runtime::Handle;

#[tokio::test]
async fn the_password_is_not_told() {
    let url = |url: &str| RedisConfig::new(Secret::new(url));
    let redis = Redis::new(url("redis://user:hunter2@127.0.0.1:6379/0"), Handle::current());
    let redis = redis.expect("a URL");
    let (limits, cache) = (RedisLimits::new(redis.clone()), RedisCache::new(redis.clone()));
    let mut told = format!("{redis:?} {limits:?} {cache:?}");
    for bad in ["", "hunter2", "http://hunter2@127.0.0.1", "redis://hunter2@[", "127.0.0.1:6379"] {
        let error = Redis::new(url(bad), Handle::current()).expect_err(bad);
        told += &format!(" {error} {error:?}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}
