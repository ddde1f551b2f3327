//! What this process remembers alone.

use module::{InProcessCache, cache::testing::shared_cache_contract};

#[tokio::test]
async fn the_cache_in_the_process_keeps_the_contract() {
    shared_cache_contract(&InProcessCache::new()).await;
}
