//! The contract suite of [`RateLimitStore`], run over every implementation of it.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use kernel::{CallId, ManualClock};

use super::{Decision, Quota, RateLimitStore};

/// Checks what [`RateLimitStore`] promises of `store`, whose time is `clock`'s. Each run uses keys
/// of its own.
///
/// # Panics
/// On the first promise that is broken.
pub async fn rate_limit_contract(store: Arc<dyn RateLimitStore>, clock: &ManualClock) {
    let bench = Bench { store, clock, run: CallId::random() };
    bench.follows_the_vectors().await;
    bench.fills_no_further_than_the_burst().await;
    bench.parts_the_keys().await;
    bench.lets_exactly_the_burst_through().await;
    bench.survives_steps_of_the_clock().await;
    bench.takes_another_quota().await;
}

struct Bench<'a> {
    store: Arc<dyn RateLimitStore>,
    clock: &'a ManualClock,
    run: CallId,
}

/// Three at once, one a second.
const QUOTA: Quota = match Quota::per_minute(3, 60) {
    Ok(quota) => quota,
    Err(_) => panic!("within bounds"),
};

const fn allowed(remaining: u32, reset_ms: u64) -> Decision {
    Decision::Allowed { remaining, reset: Duration::from_millis(reset_ms) }
}

const fn limited(retry_after_ms: u64) -> Decision {
    Decision::Limited { retry_after: Duration::from_millis(retry_after_ms) }
}

impl Bench<'_> {
    async fn take(&self, key: &str, quota: Quota) -> Decision {
        let key = format!("contract/{}/{key}", self.run);
        self.store.take(&key, quota).await.expect("the store answers")
    }

    /// Worked out by hand from ITU-T I.371's virtual schedule, with T = 1 s and three cells of
    /// tolerance.
    async fn follows_the_vectors(&self) {
        let vectors = [
            (0, allowed(2, 1_000)),
            (0, allowed(1, 2_000)),
            (0, allowed(0, 3_000)),
            (0, limited(1_000)),
            // To be turned away costs nothing.
            (0, limited(1_000)),
            (400, limited(600)),
            (599, limited(1)),
            (1, allowed(0, 3_000)),
            (0, limited(1_000)),
            (1_500, allowed(0, 2_500)),
            (0, limited(500)),
            (2_000, allowed(1, 1_500)),
            (1_500, allowed(2, 1_000)),
            (60_000, allowed(2, 1_000)),
            (999, allowed(1, 1_001)),
        ];
        for (n, (wait_ms, expected)) in vectors.into_iter().enumerate() {
            self.clock.advance(Duration::from_millis(wait_ms));
            assert_eq!(self.take("vectors", QUOTA).await, expected, "take {n}");
        }
    }

    async fn fills_no_further_than_the_burst(&self) {
        self.take("idle", QUOTA).await;
        self.clock.advance(Duration::from_secs(3_600));
        for remaining in [2, 1, 0] {
            let reset = u64::from(3 - remaining) * 1_000;
            assert_eq!(self.take("idle", QUOTA).await, allowed(remaining, reset));
        }
        assert_eq!(self.take("idle", QUOTA).await, limited(1_000));
    }

    async fn parts_the_keys(&self) {
        for _ in 0..4 {
            self.take("one", QUOTA).await;
        }
        assert_eq!(self.take("one", QUOTA).await, limited(1_000));
        assert_eq!(self.take("another", QUOTA).await, allowed(2, 1_000));
    }

    async fn lets_exactly_the_burst_through(&self) {
        let quota = Quota::per_minute(17, 1).expect("within bounds");
        let takes = join_all((0..100).map(|_| self.take("crowd", quota))).await;
        let mut left: Vec<u32> = takes
            .iter()
            .filter_map(|decision| match decision {
                Decision::Allowed { remaining, .. } => Some(*remaining),
                Decision::Limited { .. } => None,
            })
            .collect();
        left.sort_unstable();
        assert_eq!(left, (0..17).collect::<Vec<u32>>(), "each of the burst once");
    }

    async fn survives_steps_of_the_clock(&self) {
        const STEP: Duration = Duration::from_secs(600);
        let now = kernel::Clock::now(self.clock);
        self.take("steps", QUOTA).await;

        // Back: what was left of the burst is lost, and no more.
        self.clock.set(now - STEP);
        assert_eq!(self.take("steps", QUOTA).await, limited(1_000));
        self.clock.advance(Duration::from_secs(1));
        assert_eq!(self.take("steps", QUOTA).await, allowed(0, 3_000));

        // Forward: the burst is there again, and no more.
        self.clock.set(now);
        for remaining in [2, 1, 0] {
            let reset = u64::from(3 - remaining) * 1_000;
            assert_eq!(self.take("steps", QUOTA).await, allowed(remaining, reset));
        }
        assert_eq!(self.take("steps", QUOTA).await, limited(1_000));
    }

    /// As when the configuration changes between two replicas' starts.
    async fn takes_another_quota(&self) {
        let wide = Quota::per_minute(100, 60).expect("within bounds");
        for _ in 0..50 {
            self.take("quotas", wide).await;
        }
        assert_eq!(self.take("quotas", QUOTA).await, limited(1_000), "the longest wait is short");
        self.clock.advance(Duration::from_secs(1));
        assert_eq!(self.take("quotas", QUOTA).await, allowed(0, 3_000));
        assert_eq!(self.take("quotas", wide).await, allowed(96, 4_000));
    }
}
