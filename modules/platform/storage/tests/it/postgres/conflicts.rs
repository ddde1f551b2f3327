//! Two transactions that each wait for what the other has.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use sea_orm::ColumnTrait;
use storage::{Store, StoreError, retrying};
use tokio::sync::Barrier;
use uuid::Uuid;

use super::Notes;
use crate::{
    entities::note,
    world::{TESTS, context, note, ours},
};

async fn two_notes() -> (Notes, Store) {
    let notes = Notes::new().await;
    let store = notes.open(notes.config()).await;
    let tx = store.write(&context(ours())).await.expect("a transaction");
    for id in [1, 2] {
        tx.insert(note(id, &id.to_string())).await.expect("a note");
    }
    tx.commit().await.expect("a commit");
    (notes, store)
}

/// Counts one note up and then the other. The first time, each waits until the other has its
/// first.
async fn count_up(
    store: &Store,
    order: [u128; 2],
    meeting: &Barrier,
    attempts: &AtomicU32,
) -> Result<(), StoreError> {
    let attempt = attempts.fetch_add(1, Ordering::SeqCst);
    let tx = store.write(&context(ours())).await?;
    for (n, id) in order.into_iter().enumerate() {
        let id = note::Column::Id.eq(Uuid::from_u128(id));
        let found = tx.find::<note::Entity>().filter(id.clone()).lock().one().await?;
        let stars = found.map_or(0, |note| note.stars);
        let update = tx.update_many::<note::Entity>().set(note::Column::Stars, stars + 1);
        update.filter(id).exec().await?;
        if n == 0 && attempt == 0 {
            meeting.wait().await;
        }
    }
    tx.commit().await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tries {
    One,
    AsManyAsItTakes,
}

/// The outcomes of two that meet, how often each was tried, and what they counted.
async fn meet(tries: Tries) -> (Vec<Result<(), StoreError>>, Vec<u32>, Vec<i64>) {
    let (_notes, store) = two_notes().await;
    let meeting = Arc::new(Barrier::new(2));
    let tasks: Vec<_> = [[1, 2], [2, 1]]
        .into_iter()
        .map(|order| {
            let (store, meeting) = (store.clone(), Arc::clone(&meeting));
            tokio::spawn(async move {
                let attempts = AtomicU32::new(0);
                let work = || count_up(&store, order, &meeting, &attempts);
                let outcome = match tries {
                    Tries::One => work().await,
                    Tries::AsManyAsItTakes => retrying(work).await,
                };
                (outcome, attempts.into_inner())
            })
        })
        .collect();
    let (mut outcomes, mut attempts) = (Vec::new(), Vec::new());
    for task in tasks {
        let (outcome, tried) = task.await.expect("no panic");
        outcomes.push(outcome);
        attempts.push(tried);
    }
    attempts.sort_unstable();
    let rows = store.system(&TESTS).find::<note::Entity>().all().await.expect("the notes");
    (outcomes, attempts, rows.iter().map(|note| note.stars).collect())
}

#[tokio::test]
async fn one_of_them_is_broken_off() {
    let (outcomes, attempts, stars) = meet(Tries::One).await;
    let mut failures = outcomes.into_iter().filter_map(Result::err);
    let conflict = failures.next().expect("one met the other");
    assert!(matches!(conflict, StoreError::Conflict { .. }), "{conflict:?}");
    assert_eq!(conflict.sqlstate().as_deref(), Some("40P01"));
    assert!(failures.next().is_none());
    assert_eq!((attempts, stars), (vec![1, 1], vec![1, 1]));
}

#[tokio::test]
async fn retried_both_succeed() {
    let (outcomes, attempts, stars) = meet(Tries::AsManyAsItTakes).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    // They may have met more than once.
    assert!(attempts.iter().any(|own| *own > 1), "{attempts:?}");
    assert_eq!(stars, [2, 2]);
}

/// A module makes errors of its own of the store's.
#[tokio::test]
async fn what_became_of_the_error_does_not_matter() {
    let (_notes, store) = two_notes().await;
    let meeting = Arc::new(Barrier::new(2));
    let attempts = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = [[1, 2], [2, 1]]
        .into_iter()
        .map(|order| {
            let (store, meeting) = (store.clone(), Arc::clone(&meeting));
            let all = Arc::clone(&attempts);
            tokio::spawn(async move {
                let own = AtomicU32::new(0);
                retrying(|| async {
                    all.fetch_add(1, Ordering::SeqCst);
                    let counted = count_up(&store, order, &meeting, &own).await;
                    counted.map_err(|_| "something went wrong")
                })
                .await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), Ok(()));
    }
    // One more than the two, unless they met again.
    assert!(attempts.load(Ordering::SeqCst) > 2, "one was broken off, and tried again");
}
