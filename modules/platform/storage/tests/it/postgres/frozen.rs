//! A server that stands still: connections are open, and nothing answers.

use std::time::{Duration, Instant};

use databases::{Logins, PrivateServer};
use storage::{PostgresConfig, StoreError};

use super::Notes;
use crate::{
    entities::note,
    world::{context, note, ours},
};

/// A statement's bound is 35 s, and this waits for it once.
const BOUND: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_ever_on_a_server_that_stands_still() {
    let server = PrivateServer::start(Logins::Trusted).await.expect("a server");
    let notes = Notes::on_server(&server).await;
    let config = PostgresConfig {
        connections: 4,
        acquire_time: Duration::from_millis(500),
        ..notes.config()
    };
    let store = notes.open(config).await;
    let reader = store.read(&context(ours())).expect("a reader");
    let begun = || async {
        let tx = store.write(&context(ours())).await.expect("a transaction");
        tx.insert(note(rand_id(), &rand_id().to_string())).await.expect("a note");
        tx
    };
    let (writing, committing) = (begun().await, begun().await);
    reader.find::<note::Entity>().count().await.expect("a connection more");

    server.freeze().expect("frozen");
    let start = Instant::now();
    let (read, statement, commit) = tokio::time::timeout(BOUND, async {
        tokio::join!(
            reader.find::<note::Entity>().count(),
            writing.insert(note(rand_id(), "never")),
            committing.commit(),
        )
    })
    .await
    .expect("all have their answer");
    assert!(start.elapsed() > Duration::from_secs(30), "longer than the server's own bound");
    assert!(matches!(read, Err(StoreError::Busy { .. })), "{read:?}");
    assert!(matches!(statement, Err(StoreError::Busy { .. })), "{statement:?}");
    assert!(matches!(commit, Err(StoreError::CommitUnknown { .. })), "{commit:?}");
    drop(writing);

    // Who comes now asks for a connection, which is not to be had.
    let start = Instant::now();
    let refused = reader.find::<note::Entity>().count().await.expect_err("nobody answers");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    let refused = store.write(&context(ours())).await.expect_err("nobody answers");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

    server.thaw().expect("going on");
    let healed = async {
        while reader.find::<note::Entity>().count().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), healed).await.expect("it heals");
    let held = futures_util::future::join_all(
        (0..4).map(|_| async { store.write(&context(ours())).await.expect("a transaction") }),
    );
    assert_eq!(held.await.len(), 4, "no connection is missing");
}

fn rand_id() -> u128 {
    uuid::Uuid::new_v4().as_u128()
}
