//! What is not committed is undone, and the one writer is free again.

use futures_util::FutureExt;
use sea_orm::ColumnTrait;
use storage::{Store, StoreError};

use crate::{
    entities::note,
    world::{World, context, note, ours},
};

/// Fails by a timeout of the store where the writer was not given back.
async fn writer_is_free(store: &Store) {
    let tx = store.write(&context(ours())).await.expect("the writer is free");
    tx.find::<note::Entity>().all().await.expect("and works");
}

#[tokio::test]
async fn a_dropped_transaction_is_undone() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "never")).await.expect("a note");
    drop(tx);
    writer_is_free(&world.store).await;
    assert_eq!(world.all_notes().await, []);
}

#[tokio::test]
async fn others_see_nothing_before_the_commit() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "soon")).await.expect("a note");
    assert_eq!(world.all_notes().await, []);
    tx.commit().await.expect("a commit");
    assert_eq!(world.all_notes().await.len(), 1);
}

/// A future is polled some times and then dropped, as a deadline or a caller that goes away does.
#[tokio::test]
async fn a_transaction_cancelled_in_a_statement_is_undone() {
    let world = World::new().await;
    for polls in 1..6 {
        let store = world.store.clone();
        let mut work = async move {
            let tx = store.write(&context(ours())).await?;
            tx.insert(note(1, "first")).await?;
            let many = (2..2_000).map(|n| note(n, &n.to_string())).collect();
            tx.insert_new(many, &[note::Column::Id]).await?;
            std::future::pending::<()>().await;
            tx.commit().await
        }
        .boxed();
        for _ in 0..polls {
            assert!((&mut work).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        drop(work);
        writer_is_free(&world.store).await;
        assert_eq!(world.all_notes().await, [], "after {polls} polls");
    }
}

#[tokio::test]
async fn a_statement_cancelled_at_work_is_undone_with_its_transaction() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    {
        let many = (1..3_000).map(|n| note(n, &n.to_string())).collect();
        let mut insert = tx.insert_new(many, &[note::Column::Id]).boxed();
        // It is with the engine now, and seldom done.
        let _ = (&mut insert).now_or_never();
    }
    drop(tx);
    writer_is_free(&world.store).await;
    assert_eq!(world.all_notes().await, []);
}

#[tokio::test]
async fn a_transaction_with_a_cancelled_statement_is_not_committed() {
    let world = World::new().await;
    let tx = loop {
        let tx = world.store.write(&context(ours())).await.expect("a transaction");
        let many = (1..3_000).map(|n| note(n, &n.to_string())).collect();
        // The engine may have been quick; then nothing was cancelled.
        if tx.insert_new(many, &[note::Column::Id]).now_or_never().is_none() {
            break tx;
        }
    };
    tx.insert(note(5_000, "certainly")).await.expect("a note");
    assert!(matches!(tx.commit().await, Err(StoreError::Aborted { .. })));
    writer_is_free(&world.store).await;
    assert_eq!(world.all_notes().await, []);
}

#[tokio::test]
async fn a_cancelled_begin_holds_up_nobody() {
    let world = World::new().await;
    let held = world.store.write(&context(ours())).await.expect("a transaction");
    let ctx = context(ours());
    let mut waiting = world.store.write(&ctx).boxed();
    assert!((&mut waiting).now_or_never().is_none(), "there is one writer");
    drop(waiting);
    drop(held);
    for polls in 1..4 {
        let mut begin = world.store.write(&ctx).boxed();
        for _ in 0..polls {
            if (&mut begin).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        writer_is_free(&world.store).await;
    }
}

#[tokio::test]
async fn a_cancelled_commit_is_all_or_nothing() {
    let world = World::new().await;
    for id in 1..20_u128 {
        let tx = world.store.write(&context(ours())).await.expect("a transaction");
        tx.insert(note(id, &format!("left {id}"))).await.expect("a note");
        tx.insert(note(100 + id, &format!("right {id}"))).await.expect("a note");
        let mut commit = tx.commit().boxed();
        let first = (&mut commit).now_or_never();
        assert!(matches!(first, None | Some(Ok(()))));
        drop(commit);
        writer_is_free(&world.store).await;
    }
    let notes = world.all_notes().await;
    let count = |side| notes.iter().filter(|(_, title, _)| title.starts_with(side)).count();
    assert_eq!(count("left"), count("right"));
}

/// Aborted wherever each happens to be: waiting, in a statement, or in its commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn aborted_tasks_are_all_or_nothing() {
    let world = World::new().await;
    for round in 0..20_u128 {
        let tasks: Vec<_> = (0..8_u128)
            .map(|n| {
                let store = world.store.clone();
                let id = 1_000 * round + 10 * n;
                tokio::spawn(async move {
                    let tx = store.write(&context(ours())).await?;
                    tx.insert(note(id, &format!("left {id}"))).await?;
                    tx.insert(note(id + 1, &format!("right {id}"))).await?;
                    tx.commit().await
                })
            })
            .collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            match task.await {
                Ok(finished) => finished.expect("a commit"),
                Err(aborted) => assert!(aborted.is_cancelled(), "{aborted}"),
            }
        }
    }
    writer_is_free(&world.store).await;
    let notes = world.all_notes().await;
    let count = |side| notes.iter().filter(|(_, title, _)| title.starts_with(side)).count();
    assert_eq!(count("left"), count("right"));
}

#[tokio::test]
async fn the_first_failure_ends_a_transaction() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "title")).await.expect("a note");
    let collision = tx.insert(note(2, "title")).await.expect_err("the title is taken");
    assert!(collision.is_unique_on("notes", "title"), "{collision}");
    assert!(collision.is_unique_on("notes", "tenant_id"));
    assert!(!collision.is_unique_on("notes", "id"));
    assert!(!collision.is_unique_on("counters", "title"));
    let later = tx.find::<note::Entity>().all().await;
    assert!(matches!(later, Err(StoreError::Aborted { .. })));
    assert!(matches!(tx.insert(note(3, "other")).await, Err(StoreError::Aborted { .. })));
    assert!(matches!(tx.commit().await, Err(StoreError::Aborted { .. })));
    writer_is_free(&world.store).await;
    assert_eq!(world.all_notes().await, []);
}

#[tokio::test]
async fn a_primary_key_is_a_unique_key_too() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "one")).await.expect("a note");
    let collision = tx.insert(note(1, "two")).await.expect_err("the id is taken");
    assert!(collision.is_unique_on("notes", "id"), "{collision}");
}

/// Two transactions that read and then write are one after the other; none is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "counted")).await.expect("a note");
    tx.commit().await.expect("a commit");
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let tx = store.write(&context(ours())).await?;
                let found = tx.find::<note::Entity>().lock().one().await?;
                let stars = found.map_or(0, |note| note.stars);
                let update = tx.update_many::<note::Entity>().set(note::Column::Stars, stars + 1);
                update.filter(note::Column::Title.eq("counted")).exec().await?;
                tx.commit().await
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("a commit");
    }
    assert_eq!(world.all_notes().await, [(ours(), "counted".into(), 16)]);
}
