//! What several replicas may remember together for a moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kernel::TenantId;
use moka::{Expiry, future::Cache};
use seam::async_trait;

/// Remembers answers for seconds, in this process or for all replicas.
///
/// A cache is never the truth: what it says may be as old as its `ttl`, it forgets when it likes,
/// and it may forget all at once. So nothing that must be right at once belongs here: no grant or
/// refusal whose change must take effect, no secret, no key, no idempotency. It is worth its place
/// where the same question goes over the network many times within the `ttl`.
///
/// **Errors** are none of the caller's business: a cache that cannot be reached knows nothing and
/// keeps nothing, within a small fraction of a request's time.
#[async_trait]
pub trait SharedCache: Send + Sync + 'static {
    /// What was kept, if it is still there.
    async fn get(&self, key: &CacheKey) -> Option<Vec<u8>>;

    /// Keeps `value` for `ttl`, at most [`LONGEST_TTL`]; what is larger than [`LARGEST_VALUE`] is
    /// not kept. A value that was there is replaced.
    async fn put(&self, key: &CacheKey, value: Vec<u8>, ttl: Duration);

    /// Forgets what was kept. A `put` that is on its way may come after it.
    async fn forget(&self, key: &CacheKey);
}

/// The longest time that anything is kept.
pub const LONGEST_TTL: Duration = Duration::from_secs(5 * 60);
/// The largest value that is kept, in bytes.
pub const LARGEST_VALUE: usize = 64 * 1024;

/// Names a value. It always belongs to one tenant, so that no mistake in a name shows one tenant's
/// answers to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// The value `name` of `kind`, such as `projects.summary.v1`, for `tenant`. `kind` changes with the
    /// form of the value: an old replica must not read what a new one kept.
    #[must_use]
    pub fn new(kind: &'static str, tenant: TenantId, name: &str) -> Self {
        // The tenant comes first and has a fixed length, so no two keys run together.
        Self(format!("{tenant}:{kind}:{name}"))
    }

    /// The key as a store writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cache of this process alone: at most 16 MiB, the least used first to go.
#[derive(Clone)]
pub struct InProcessCache(Cache<CacheKey, Kept>);

#[derive(Clone)]
struct Kept {
    value: Arc<[u8]>,
    ttl: Duration,
}

struct ByOwnTtl;

impl Expiry<CacheKey, Kept> for ByOwnTtl {
    fn expire_after_create(&self, _: &CacheKey, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.ttl)
    }
}

impl InProcessCache {
    const MOST_BYTES: u64 = 16 * 1024 * 1024;

    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let weight = |key: &CacheKey, kept: &Kept| {
            u32::try_from(key.0.len() + kept.value.len()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(Self::MOST_BYTES)
            .weigher(weight)
            .expire_after(ByOwnTtl)
            .build();
        Self(cache)
    }
}

impl Default for InProcessCache {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl SharedCache for InProcessCache {
    async fn get(&self, key: &CacheKey) -> Option<Vec<u8>> {
        self.0.get(key).await.map(|kept| kept.value.to_vec())
    }

    async fn put(&self, key: &CacheKey, value: Vec<u8>, ttl: Duration) {
        if value.len() > LARGEST_VALUE {
            return self.forget(key).await;
        }
        let kept = Kept { value: value.into(), ttl: ttl.min(LONGEST_TTL) };
        self.0.insert(key.clone(), kept).await;
    }

    async fn forget(&self, key: &CacheKey) {
        self.0.invalidate(key).await;
    }
}

/// The contract suite of [`SharedCache`], run over every implementation of it.
#[cfg(feature = "testing")]
pub mod testing {
    use kernel::CallId;

    use super::{CacheKey, Duration, LARGEST_VALUE, SharedCache, TenantId};

    /// Checks what [`SharedCache`] promises. Each run uses keys of its own.
    ///
    /// # Panics
    /// On the first promise that is broken.
    pub async fn shared_cache_contract(cache: &dyn SharedCache) {
        let tenant = || TenantId(CallId::random().0);
        let (own, foreign) = (tenant(), tenant());
        let key = |name: &str| CacheKey::new("contract.v1", own, name);
        let minute = Duration::from_secs(60);

        assert_eq!(cache.get(&key("nothing")).await, None);
        for value in [&b""[..], b"text", b"\0\xff\r\n", &[7; LARGEST_VALUE]] {
            cache.put(&key("value"), value.to_vec(), minute).await;
            assert_eq!(cache.get(&key("value")).await.as_deref(), Some(value), "the newest");
        }
        assert_eq!(cache.get(&key("values")).await, None, "another name");
        let foreign = CacheKey::new("contract.v1", foreign, "value");
        assert_eq!(cache.get(&foreign).await, None, "another tenant");
        let newer = CacheKey::new("contract.v2", own, "value");
        assert_eq!(cache.get(&newer).await, None, "another kind");

        cache.put(&key("value"), vec![7; LARGEST_VALUE + 1], minute).await;
        assert_eq!(cache.get(&key("value")).await, None, "too large, and not the old one either");

        cache.put(&key("value"), b"text".to_vec(), minute).await;
        cache.forget(&key("value")).await;
        cache.forget(&key("value")).await;
        assert_eq!(cache.get(&key("value")).await, None, "forgotten");

        cache.put(&key("short"), b"text".to_vec(), Duration::from_millis(20)).await;
        let gone = async {
            while cache.get(&key("short")).await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(minute / 4, gone).await.expect("it goes when its time is over");
    }
}
