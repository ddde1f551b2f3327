//! What needs a Redis.

mod contract;
mod outage;
mod replicas;
mod server;

use kernel::{CallId, Secret};
use redis_limits::{Redis, RedisConfig};
use tokio::runtime::Handle;

/// The Redis of the test run.
fn config() -> RedisConfig {
    let url = std::env::var("ASHLAR_TEST_REDIS").expect(
        "ASHLAR_TEST_REDIS is not set: run `cargo xtask test`, or start a Redis and set it to \
         redis://127.0.0.1:6379",
    );
    RedisConfig {
        prefix: format!("test-{}", CallId::random()),
        // The machine may be busy with other tests.
        patience: std::time::Duration::from_secs(10),
        ..RedisConfig::new(Secret::new(url))
    }
}

fn connect(config: &RedisConfig) -> Redis {
    Redis::new(config.clone(), Handle::current()).expect("a URL")
}
