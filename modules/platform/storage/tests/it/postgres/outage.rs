//! A server that goes away under load, and comes back.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use databases::{Logins, PrivateServer};
use storage::{PostgresConfig, Store, StoreError};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Notes;
use crate::{
    entities::note,
    world::{TESTS, context, note, ours, theirs},
};

const WRITERS: u64 = 6;

/// What the writers know of their notes.
#[derive(Default)]
struct Ledger {
    done: Mutex<BTreeSet<u128>>,
    refused: Mutex<BTreeSet<u128>>,
    unknown: Mutex<BTreeSet<u128>>,
    reads: AtomicU64,
    busy_reads: AtomicU64,
    writes: AtomicU64,
    stop: AtomicBool,
}

impl Ledger {
    fn note(&self, list: &Mutex<BTreeSet<u128>>, id: u128) {
        list.lock().expect("no panic").insert(id);
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    /// Waits until `more` writes and reads went well from here on.
    async fn goes_on(&self, more: u64) {
        let done = || self.done.lock().expect("no panic").len() as u64;
        let (done_before, read_before) = (done(), self.reads.load(Ordering::SeqCst));
        let on = async {
            while done() < done_before + more
                || self.reads.load(Ordering::SeqCst) < read_before + more
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), on).await.expect("it goes on");
    }
}

async fn write(store: Store, ledger: Arc<Ledger>, writer: u64) {
    let mut n = 0;
    while ledger.is_on() {
        n += 1;
        let id = Uuid::from_u64_pair(writer + 1, n).as_u128();
        let mut is_committing = false;
        let written = async {
            let tx = store.write(&context(ours())).await?;
            tx.insert(note(id, &format!("left {id}"))).await?;
            tx.insert(note(id + (1 << 127), &format!("right {id}"))).await?;
            is_committing = true;
            tx.commit().await
        };
        match written.await {
            Ok(()) => ledger.note(&ledger.done, id),
            Err(StoreError::Busy { .. }) => ledger.note(&ledger.refused, id),
            Err(StoreError::CommitUnknown { .. }) if is_committing => {
                ledger.note(&ledger.unknown, id);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn read(store: Store, ledger: Arc<Ledger>) {
    let reader = store.read(&context(theirs())).expect("a reader");
    while ledger.is_on() {
        match reader.find::<note::Entity>().count().await {
            Ok(count) => {
                assert_eq!(count, 0, "nothing of another tenant");
                ledger.reads.fetch_add(1, Ordering::SeqCst);
            }
            Err(StoreError::Busy { .. }) => {
                ledger.busy_reads.fetch_add(1, Ordering::SeqCst);
                // Where nobody listens, the answer comes at once.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_is_an_outage_and_no_more() {
    let mut server = PrivateServer::start(Logins::Trusted).await.expect("a server");
    let notes = Notes::on_server(&server).await;
    let config = PostgresConfig {
        connections: 4,
        acquire_time: Duration::from_millis(500),
        ..notes.config()
    };
    let store = notes.open(config).await;
    let ledger = Arc::new(Ledger::default());
    let mut load = JoinSet::new();
    for writer in 0..WRITERS {
        load.spawn(write(store.clone(), Arc::clone(&ledger), writer));
        load.spawn(read(store.clone(), Arc::clone(&ledger)));
    }
    ledger.goes_on(50).await;
    for restart in 0..4 {
        let ended = if restart % 2 == 0 { server.stop().await } else { server.crash().await };
        ended.expect("an end");
        if restart > 1 {
            // Long enough for all to find nobody there.
            let busy = ledger.busy_reads.load(Ordering::SeqCst);
            while ledger.busy_reads.load(Ordering::SeqCst) < busy + 20 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        server.run().await.expect("a start");
        ledger.goes_on(50).await;
    }
    // Once it is back, nobody sees an error any more.
    let busy_reads = ledger.busy_reads.load(Ordering::SeqCst);
    let trouble = || {
        let refused = ledger.refused.lock().expect("no panic").len();
        refused + ledger.unknown.lock().expect("no panic").len()
    };
    let before = trouble();
    ledger.goes_on(100).await;
    assert_eq!((ledger.busy_reads.load(Ordering::SeqCst), trouble()), (busy_reads, before));
    ledger.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = load.join_next().await {
        ended.expect("no error of another kind");
    }

    // All that was said to be done is, nothing that was said not to be is, and nothing by half.
    let rows = store.system(&TESTS).find::<note::Entity>().all().await.expect("the notes");
    let stored: BTreeSet<u128> = rows.iter().map(|row| row.id.as_u128()).collect();
    let done = ledger.done.lock().expect("no panic").clone();
    let refused = ledger.refused.lock().expect("no panic").clone();
    let unknown = ledger.unknown.lock().expect("no panic").clone();
    assert!(done.is_subset(&stored), "lost: {:?}", done.difference(&stored).collect::<Vec<_>>());
    assert!(refused.is_disjoint(&stored), "done, and said not to be");
    for id in done.iter().chain(&unknown) {
        assert_eq!(stored.contains(id), stored.contains(&(id + (1 << 127))), "by half");
    }
    assert!(!refused.is_empty(), "the outages were met");

    // No connection is missing: all can be held at once.
    let held = futures_util::future::join_all(
        (0..4).map(|_| async { store.write(&context(ours())).await.expect("a transaction") }),
    );
    assert_eq!(held.await.len(), 4);
}
