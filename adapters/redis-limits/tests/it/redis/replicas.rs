//! Several replicas, each with a connection of its own, by Redis's clock.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use redis_limits::RedisLimits;
use web::limits::{Decision, Quota, RateLimitStore};

use super::{config, connect};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_at_several_replicas_gets_exactly_the_burst() {
    let config = config();
    let replicas: Vec<_> = (0..4).map(|_| Arc::new(RedisLimits::new(connect(&config)))).collect();
    let quota = Quota::per_minute(17, 1).expect("within bounds");
    let takes = (0..100).map(|n| {
        let replica = Arc::clone(&replicas[n % replicas.len()]);
        tokio::spawn(async move { replica.take("crowd", quota).await.expect("an answer") })
    });
    let mut left = Vec::new();
    for take in join_all(takes).await {
        match take.expect("no panic") {
            Decision::Allowed { remaining, .. } => left.push(remaining),
            Decision::Limited { retry_after } => {
                assert!(retry_after <= Duration::from_secs(60), "{retry_after:?}");
            }
        }
    }
    left.sort_unstable();
    assert_eq!(left, (0..17).collect::<Vec<u32>>(), "each of the burst once");
}

#[tokio::test]
async fn what_one_replica_took_another_has_not() {
    let config = config();
    let (one, other) = (RedisLimits::new(connect(&config)), RedisLimits::new(connect(&config)));
    let quota = Quota::per_minute(2, 1).expect("within bounds");
    let take =
        async |replica: &RedisLimits| replica.take("shared", quota).await.expect("an answer");
    assert!(matches!(take(&one).await, Decision::Allowed { remaining: 1, .. }));
    assert!(matches!(take(&other).await, Decision::Allowed { remaining: 0, .. }));
    assert!(matches!(take(&one).await, Decision::Limited { .. }));

    // Another installation on the same server counts for itself.
    let elsewhere = RedisLimits::new(connect(&super::config()));
    assert!(matches!(take(&elsewhere).await, Decision::Allowed { remaining: 1, .. }));
}
