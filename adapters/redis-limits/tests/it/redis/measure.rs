use std::{sync::Arc, time::{Duration, Instant}};
use futures_util::future::join_all;
use kernel::SystemClock;
use redis_limits::RedisLimits;
use web::limits::{InProcessLimits, Quota, RateLimitStore};
use super::{config, connect};

fn show(name: &str, mut t: Vec<Duration>) {
    t.sort_unstable();
    eprintln!("{name}: p50 {:?} p99 {:?} n {}", t[t.len()/2], t[t.len()*99/100], t.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let quota = Quota::per_minute(1_000_000, 6_000_000).expect("q");
    let local = InProcessLimits::new(Arc::new(SystemClock));
    let mut t = Vec::new();
    for n in 0..200_000 { let k = format!("tenant:{}", n % 1000); let b = Instant::now(); local.take(&k, quota).await.expect("x"); t.push(b.elapsed()); }
    show("in process", t);
    let redis = Arc::new(RedisLimits::new(connect(&config())));
    for _ in 0..100 { redis.take("warm", quota).await.expect("x"); }
    let mut t = Vec::new();
    for n in 0..10_000 { let k = format!("tenant:{}", n % 1000); let b = Instant::now(); redis.take(&k, quota).await.expect("x"); t.push(b.elapsed()); }
    show("redis one at a time", t);
    let begun = Instant::now();
    let all = join_all((0..32).map(|w| { let redis = Arc::clone(&redis); tokio::spawn(async move {
        let mut t = Vec::new();
        for n in 0..1000 { let k = format!("tenant:{}", (w * 31 + n) % 1000); let b = Instant::now(); redis.take(&k, quota).await.expect("x"); t.push(b.elapsed()); }
        t }) })).await;
    let t: Vec<Duration> = all.into_iter().flat_map(|t| t.expect("x")).collect();
    eprintln!("throughput {:.0}/s", 32_000.0 / begun.elapsed().as_secs_f64());
    show("redis 32", t);
}
