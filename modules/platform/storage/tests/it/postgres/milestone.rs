//! Which transactions have ended, as the relay asks.

use std::time::Duration;

use uuid::Uuid;

use super::{Notes, run, texts};
use crate::world::{NoteWritten, context, note, ours};

#[tokio::test]
async fn a_milestone_is_passed_when_all_that_had_written_have_ended() {
    let notes = Notes::new().await;
    let store = notes.open(notes.config()).await;
    let only_reads = notes.superuser().await;
    run(&only_reads, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await;
    let writes = store.write(&context(ours())).await.expect("a transaction");
    writes.insert(note(1, "a title")).await.expect("a note");

    let milestone = store.milestone().await.expect("a milestone");
    let has_passed = async || store.has_passed(milestone).await.expect("an answer");
    assert!(!has_passed().await, "one still writes");
    let later = store.write(&context(ours())).await.expect("a transaction");
    later.insert(note(2, "a later title")).await.expect("a note");
    writes.commit().await.expect("a commit");
    // One only reads, and the other has begun later; but the server has other databases, too.
    let passed = async { while !has_passed().await {} };
    tokio::time::timeout(Duration::from_secs(60), passed).await.expect("it is passed");
    run(&only_reads, "COMMIT").await;
}

/// Or a row could come to light that was numbered before a milestone by a transaction behind it.
#[tokio::test]
async fn a_transaction_is_numbered_before_its_events_are() {
    let notes = Notes::new().await;
    let store = notes.open(notes.config()).await;
    let (holder, witness) = (notes.superuser().await, notes.superuser().await);
    // It changes nothing, and nobody gets a number out of the sequence until it ends.
    run(&holder, "BEGIN; ALTER SEQUENCE notes.outbox_seq_seq CACHE 1").await;
    let publishing = tokio::spawn({
        let store = store.clone();
        async move {
            let tx = store.write(&context(ours())).await.expect("a transaction");
            tx.publish(&NoteWritten { note: Uuid::nil() }).await.expect("an event");
            tx.commit().await.expect("a commit");
        }
    });
    let numbered = "SELECT EXISTS (SELECT FROM pg_locks AS own WHERE own.pid = waiting.pid \
                    AND own.locktype = 'transactionid' AND own.granted)::text \
                    FROM pg_locks AS waiting WHERE waiting.locktype = 'relation' \
                    AND waiting.relation = 'notes.outbox_seq_seq'::regclass AND NOT waiting.granted";
    let waiting = async {
        loop {
            if let [numbered] = &*texts(&witness, numbered).await {
                return numbered.clone();
            }
        }
    };
    let is_numbered = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    run(&holder, "ROLLBACK").await;
    publishing.await.expect("it is published in the end");
    assert_eq!(is_numbered.expect("it waits for a number"), "true");
}
