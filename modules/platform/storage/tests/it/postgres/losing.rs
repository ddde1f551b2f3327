//! Connections that are made and soon lost, again and again: what a proxy in trouble does.

use std::time::{Duration, Instant};

use storage::{Pooler, PostgresConfig, Store, StoreError};

use super::{
    Notes, over,
    proxy::{Proxy, SLOWLY},
};
use crate::{
    entities::note,
    world::{TESTS, context, ours},
};

/// Enough for one connection that is lost slowly, and for part of another.
const ACQUIRE_TIME: Duration = Duration::from_millis(600);

struct Losing {
    store: Store,
    _proxy: Proxy,
    _notes: Notes,
}

async fn losing(pooler: Pooler) -> Losing {
    let notes = Notes::new().await;
    let proxy = Proxy::before(&notes.config()).await;
    let config = PostgresConfig {
        connections: 8,
        system_connections: 8,
        acquire_time: ACQUIRE_TIME,
        pooler,
        ..over(notes.config(), proxy.port)
    };
    let store = notes.open(config).await;
    proxy.lose_slowly();
    Losing { store, _proxy: proxy, _notes: notes }
}

/// However many connections there may be, all attempts together end soon after the acquire time.
async fn check_busy_in_time<T: std::fmt::Debug>(work: impl Future<Output = Result<T, StoreError>>) {
    let begun = Instant::now();
    let refused = work.await.expect_err("every connection is lost");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    let waited = begun.elapsed();
    assert!(waited >= SLOWLY && waited < ACQUIRE_TIME + 2 * SLOWLY, "{waited:?}");
}

#[tokio::test]
async fn attempts_over_lost_connections_share_one_acquire_time() {
    let losing = losing(Pooler::None).await;
    let store = &losing.store;
    let reader = store.read(&context(ours())).expect("a reader");
    check_busy_in_time(reader.find::<note::Entity>().count()).await;
    check_busy_in_time(store.system(&TESTS).find::<note::Entity>().count()).await;
    check_busy_in_time(store.write(&context(ours()))).await;
    check_busy_in_time(store.system_write(&TESTS)).await;
}

#[tokio::test]
async fn attempts_behind_a_pooler_share_one_acquire_time() {
    let losing = losing(Pooler::Transaction).await;
    let store = &losing.store;
    let reader = store.read(&context(ours())).expect("a reader");
    check_busy_in_time(reader.find::<note::Entity>().count()).await;
    check_busy_in_time(store.write(&context(ours()))).await;
}
