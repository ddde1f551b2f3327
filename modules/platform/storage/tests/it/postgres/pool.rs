//! Connections: how many there are, and what becomes of one that was left in the middle.

use std::{
    panic::resume_unwind,
    time::{Duration, Instant},
};

use admission::operation;
use futures_util::FutureExt as _;
use sea_orm::ColumnTrait;
use storage::{PostgresConfig, Store, StoreError};
use tokio::time::timeout;

use super::{Notes, texts};
use crate::{
    entities::note,
    world::{TESTS, context, note, ours, theirs},
};

async fn with_connections(connections: u32, acquire_time: Duration) -> (Notes, Store) {
    let notes = Notes::new().await;
    let config = PostgresConfig {
        connections,
        system_connections: connections,
        acquire_time,
        ..notes.config()
    };
    let store = notes.open(config).await;
    (notes, store)
}

async fn count(store: &Store) -> u64 {
    let reader = store.read(&context(ours())).expect("a reader");
    reader.find::<note::Entity>().count().await.expect("a count")
}

/// How many sessions the store has, and in what state.
async fn sessions(notes: &Notes, state: &str) -> Vec<String> {
    let select = format!(
        "SELECT usename::text FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'ashlar notes' AND state LIKE '{state}' ORDER BY 1"
    );
    texts(&notes.superuser().await, &select).await
}

#[tokio::test]
async fn one_after_the_other_needs_one_connection() {
    let (notes, store) = with_connections(5, Duration::from_secs(5)).await;
    for id in 1..20 {
        let tx = store.write(&context(ours())).await.expect("a transaction");
        tx.insert(note(id, &id.to_string())).await.expect("a note");
        tx.commit().await.expect("a commit");
        count(&store).await;
    }
    assert_eq!(sessions(&notes, "%").await, ["notes_app", "notes_system"]);
}

/// Taking a replica out because it has much to do would leave more to the others.
#[tokio::test]
async fn where_all_are_in_use_it_answers_for_as_long_as_they_come_and_go() {
    // Longer than an answer takes on a machine that has much to do.
    let acquire_time = Duration::from_secs(5);
    let (_notes, store) = with_connections(1, acquire_time).await;
    count(&store).await;
    let _held = store.write(&context(ours())).await.expect("a transaction");
    let begun = Instant::now();
    store.ping().await.expect("one came back just now");
    assert!(begun.elapsed() < acquire_time, "it does not wait for a connection");

    let refused = async {
        loop {
            if let Err(refused) = store.ping().await {
                return refused;
            }
            tokio::task::yield_now().await;
        }
    };
    let refused = timeout(Duration::from_secs(30), refused).await.expect("none comes back");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
}

#[tokio::test]
async fn where_all_are_in_use_a_store_is_busy_in_time_and_works_afterwards() {
    let acquire_time = Duration::from_millis(300);
    let (_notes, store) = with_connections(1, acquire_time).await;
    count(&store).await;
    let held = store.write(&context(ours())).await.expect("a transaction");
    held.insert(note(1, "held")).await.expect("a note");

    let begun = Instant::now();
    let reader = store.read(&context(ours())).expect("a reader");
    let refused = reader.find::<note::Entity>().count().await.expect_err("all are in use");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    let refused = store.write(&context(theirs())).await.expect_err("all are in use");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    let waited = begun.elapsed();
    assert!(waited >= 2 * acquire_time && waited < 10 * acquire_time, "{waited:?}");
    store.system(&TESTS).find::<note::Entity>().count().await.expect("the system has its own");

    // Those who wait get it, in turn, when it is back.
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { count(&store).await })
        })
        .collect();
    held.commit().await.expect("a commit");
    for waiting in waiting {
        assert_eq!(waiting.await.expect("no panic"), 1);
    }
}

/// What was done for a request so far must not be lost because others come.
#[tokio::test]
async fn who_has_begun_is_not_turned_away_with_newcomers() {
    let acquire_time = Duration::from_secs(4);
    let (_notes, store) = with_connections(1, acquire_time).await;
    let ctx = context(ours());
    let held = store.write(&ctx).await.expect("a transaction");
    let refused_soon = async || {
        let newcomer = timeout(acquire_time / 5, operation::begin(store.write(&ctx))).await;
        matches!(newcomer, Ok(Err(StoreError::Busy { .. })))
    };
    // Somebody waits all the time, which is taken for overload after a while.
    let standing = store.write(&ctx);
    let shedding = async {
        while !refused_soon().await {}
        // This one comes when newcomers are turned away, and is still there when another was.
        let under_way = operation::resume(store.write(&ctx));
        let another = async {
            assert!(refused_soon().await, "the queue has not been empty");
            drop(held);
        };
        tokio::join!(under_way, another).0
    };
    let (standing, under_way) = tokio::join!(async { standing.await.map(drop) }, shedding);
    standing.expect("who came before keeps their patience");
    under_way.expect("a turn, though newcomers were refused");
}

/// A future that is dropped while it waits must not take its turn along.
#[tokio::test]
async fn who_gives_up_waiting_leaves_no_gap() {
    let (_notes, store) = with_connections(1, Duration::from_secs(5)).await;
    let held = store.write(&context(ours())).await.expect("a transaction");
    for _ in 0..20 {
        let reader = store.read(&context(ours())).expect("a reader");
        let mut waiting = reader.find::<note::Entity>().count().boxed();
        assert!((&mut waiting).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(held);
    assert_eq!(count(&store).await, 0);
}

/// Polls `work` so often, with the runtime's other work between, and drops it.
async fn cut_off<T>(work: impl Future<Output = T> + Send, polls: u32) -> bool {
    let mut work = work.boxed();
    for _ in 0..polls {
        if (&mut work).now_or_never().is_some() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Whatever a future was doing when it was dropped: the connection that comes back has no
/// transaction open, and the next tenant nothing of the one before.
#[tokio::test]
async fn a_connection_comes_back_clean_from_wherever_it_was_left() {
    let (notes, store) = with_connections(1, Duration::from_secs(5)).await;
    let work = |store: Store| async move {
        let tx = store.write(&context(theirs())).await?;
        tx.insert(note(1, "never")).await?;
        tx.find::<note::Entity>().count().await?;
        drop(tx);
        let tx = store.system_write(&TESTS).await?;
        let tx = tx.into_tenant(&context(theirs())).await?;
        tx.insert(note(2, "never")).await?;
        let reader = store.read(&context(theirs()))?;
        reader.find::<note::Entity>().count().await?;
        Ok::<_, StoreError>(())
    };
    let mut cut_offs = 0;
    // How far it comes within so many polls is for the server to say; further with more of them.
    for polls in 0..60 {
        let finished = cut_off(work(store.clone()), polls).await;
        // Each role has one connection, so that both are tidied up when both have answered.
        assert_eq!(count(&store).await, 0);
        store.system(&TESTS).find::<note::Entity>().count().await.expect("a count");
        assert_eq!(sessions(&notes, "idle in transaction%").await, Vec::<String>::new());
        cut_offs += u32::from(!finished);
    }
    assert!(cut_offs > 3, "it was cut off {cut_offs} times");
    assert_eq!(sessions(&notes, "%").await, ["notes_app", "notes_system"], "and none was lost");
    assert_eq!(store.system(&TESTS).find::<note::Entity>().count().await.expect("a count"), 0);
}

#[tokio::test]
async fn a_connection_comes_back_clean_from_a_panic() {
    let (notes, store) = with_connections(1, Duration::from_secs(5)).await;
    for _ in 0..10 {
        let inside = store.clone();
        let panicked = tokio::spawn(async move {
            let tx = inside.write(&context(theirs())).await.expect("a transaction");
            tx.insert(note(1, "never")).await.expect("a note");
            resume_unwind(Box::new("a request that panics"));
        });
        assert!(panicked.await.expect_err("a panic").is_panic());
        assert_eq!(count(&store).await, 0);
    }
    assert_eq!(sessions(&notes, "idle in transaction%").await, Vec::<String>::new());
    assert_eq!(sessions(&notes, "%").await, ["notes_app", "notes_system"]);
}

/// Requests are worked on by runtimes that come and go, and the store outlives them.
#[tokio::test]
async fn a_connection_outlives_the_runtime_that_first_used_it() {
    let (notes, store) = with_connections(1, Duration::from_secs(5)).await;
    for _ in 0..3 {
        let store = store.clone();
        let elsewhere = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let tx = store.write(&context(ours())).await.expect("a transaction");
                tx.find::<note::Entity>().count().await.expect("a count");
                // Left open: what ends it must not need this runtime.
                drop(tx);
                count(&store).await
            })
        });
        let counted = tokio::task::spawn_blocking(|| elsewhere.join().expect("no panic")).await;
        assert_eq!(counted.expect("no panic"), 0);
    }
    assert_eq!(sessions(&notes, "%").await, ["notes_app", "notes_system"]);
}

#[tokio::test]
async fn a_transaction_can_be_dropped_where_there_is_no_runtime() {
    let (_notes, store) = with_connections(1, Duration::from_secs(5)).await;
    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "never")).await.expect("a note");
    tokio::task::spawn_blocking(|| std::thread::spawn(move || drop(tx)).join().expect("no panic"))
        .await
        .expect("no panic");
    assert_eq!(count(&store).await, 0);
}

/// As an operator does, or a server that is restarted in between.
#[tokio::test]
async fn lost_connections_are_replaced_and_a_read_does_not_notice() {
    let (notes, store) = with_connections(4, Duration::from_secs(5)).await;
    let superuser = notes.superuser().await;
    let end_all = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'ashlar notes'";
    for _ in 0..5 {
        // Four are open.
        let held = futures_util::future::join_all(
            (0..4).map(|_| async { store.write(&context(ours())).await.expect("a transaction") }),
        );
        drop(held.await);
        count(&store).await;
        assert!(texts(&superuser, end_all).await.len() >= 4);
        assert_eq!(count(&store).await, 0, "a read");
        texts(&superuser, end_all).await;
        let tx = store.write(&context(ours())).await.expect("a transaction");
        tx.find::<note::Entity>().count().await.expect("begins anew");
    }
}

#[tokio::test]
async fn a_transaction_whose_connection_is_lost_is_busy_and_has_done_nothing() {
    let (notes, store) = with_connections(2, Duration::from_secs(5)).await;
    let superuser = notes.superuser().await;
    let end_all = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'ashlar notes'";
    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "never")).await.expect("a note");
    texts(&superuser, end_all).await;
    let lost = tx.insert(note(2, "never")).await.expect_err("the connection is gone");
    assert!(matches!(lost, StoreError::Busy { .. }), "{lost:?}");
    let later = tx.find::<note::Entity>().count().await;
    assert!(matches!(later, Err(StoreError::Aborted { .. })));
    assert!(matches!(tx.commit().await, Err(StoreError::Aborted { .. })));

    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "never")).await.expect("a note");
    texts(&superuser, end_all).await;
    let lost = tx.commit().await.expect_err("the connection is gone");
    assert!(matches!(lost, StoreError::CommitUnknown { .. }), "{lost:?}");
    assert_eq!(count(&store).await, 0);
}

/// The server stops what takes longer than the roles allow.
#[tokio::test]
async fn a_lock_that_is_not_to_be_had_is_busy_in_time() {
    let (notes, store) = with_connections(2, Duration::from_secs(5)).await;
    let superuser = notes.superuser().await;
    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "a note")).await.expect("a note");
    tx.commit().await.expect("a commit");
    let locked = store.write(&context(ours())).await.expect("a transaction");
    let one = note::Column::Title.eq("a note");
    locked.find::<note::Entity>().filter(one.clone()).lock().one().await.expect("a note");
    let settings = "SELECT setting FROM unnest((SELECT rolconfig FROM pg_roles \
                    WHERE rolname = 'notes_app')) AS setting ORDER BY 1";
    let settings = texts(&superuser, settings).await;
    assert!(settings.contains(&"lock_timeout=5s".to_owned()), "{settings:?}");
    let waiting = store.write(&context(ours())).await.expect("a transaction");
    let begun = Instant::now();
    let refused = waiting.find::<note::Entity>().filter(one).lock().one().await;
    let refused = refused.expect_err("it is locked");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    assert_eq!(refused.sqlstate().as_deref(), Some("55P03"));
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_closed_store_gives_its_connections_back_and_is_busy() {
    let (notes, store) = with_connections(3, Duration::from_secs(5)).await;
    count(&store).await;
    let clone = store.clone();
    let held = store.write(&context(ours())).await.expect("a transaction");
    let mut closing = store.clone().close().boxed();
    assert!((&mut closing).now_or_never().is_none(), "an open transaction is waited for");
    let reader = clone.read(&context(ours())).expect("a reader");
    let refused = reader.find::<note::Entity>().count().await.expect_err("it is closed");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    held.insert(note(1, "at last")).await.expect("what is open goes on");
    held.commit().await.expect("a commit");
    closing.await;
    assert_eq!(sessions(&notes, "%").await, Vec::<String>::new());
}
