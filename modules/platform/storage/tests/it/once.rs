//! A write that is asked for again answers as it did.

use std::collections::BTreeMap;

use kernel::{CallContext, CallId, Principal};
use sea_orm::ColumnTrait;
use seam::{CallFailure, PortError};
use serde::{Deserialize, Serialize};
use storage::{Once, Store, tables::call_records};
use uuid::Uuid;

use crate::{
    entities::note,
    world::{NoteWritten, TESTS, World, context, keyed, note, ours, theirs},
};

#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    thiserror::Error,
    PortError,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum NoteError {
    #[error("`{title}` is not a title")]
    BadTitle { title: String },
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

/// Writes a note and says how many there are. Refuses the title `bad`, after having written it;
/// fails on `worse`.
async fn write_note(store: &Store, ctx: &CallContext, title: &str) -> Result<u64, NoteError> {
    let tx = match store.once(ctx, "write_note", title).await? {
        Once::First(tx) => tx,
        Once::Recorded(outcome) => return outcome,
    };
    let id = store.ids().next().as_u128();
    let work = async {
        tx.insert(note(id, title)).await.map_err(CallFailure::from)?;
        let event = NoteWritten { note: Uuid::from_u128(id) };
        tx.publish(&event).await.map_err(CallFailure::from)?;
        match title {
            "bad" => Err(NoteError::BadTitle { title: title.into() }),
            "worse" => Err(CallFailure::unavailable("elsewhere").into()),
            _ => Ok(tx.find::<note::Entity>().count().await.map_err(CallFailure::from)?),
        }
    };
    let outcome = work.await;
    tx.finish(outcome).await
}

async fn records(world: &World) -> u64 {
    let records = world.store.system(&TESTS).find::<call_records::Entity>().count().await;
    records.expect("a count")
}

#[tokio::test]
async fn a_repetition_gets_the_first_outcome() {
    let world = World::new().await;
    let first = keyed(ours(), "k");
    assert_eq!(write_note(&world.store, &first, "one").await, Ok(1));
    assert!(first.was_recorded());
    assert_eq!(write_note(&world.store, &keyed(ours(), "other"), "two").await, Ok(2));

    let again = keyed(ours(), "k");
    assert_eq!(write_note(&world.store, &again, "one").await, Ok(1));
    assert!(again.was_recorded());
    assert_eq!(world.all_notes().await.len(), 2);
    assert_eq!(records(&world).await, 2);
}

#[tokio::test]
async fn a_record_outlives_the_process() {
    let world = World::new().await;
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "one").await, Ok(1));
    world.store.clone().close().await;
    let restarted = world.open_again().await.expect("the file is free");
    assert_eq!(write_note(&restarted, &keyed(ours(), "k"), "one").await, Ok(1));
    let reader = restarted.read(&context(ours())).expect("a reader");
    assert_eq!(reader.find::<note::Entity>().count().await.expect("a count"), 1);
}

#[tokio::test]
async fn another_argument_under_the_key_is_refused() {
    let world = World::new().await;
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "one").await, Ok(1));
    let mismatch = write_note(&world.store, &keyed(ours(), "k"), "two").await;
    assert!(
        matches!(mismatch, Err(NoteError::Call(CallFailure::Incompatible { .. }))),
        "{mismatch:?}"
    );
    assert_eq!(world.all_notes().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_recorded_and_its_effect_undone() {
    let world = World::new().await;
    let refusal = Err(NoteError::BadTitle { title: "bad".into() });
    let ctx = keyed(ours(), "k");
    assert_eq!(write_note(&world.store, &ctx, "bad").await, refusal);
    assert!(ctx.was_recorded());
    assert_eq!(world.all_notes().await, []);
    assert_eq!(outbox_rows(&world).await, 0);
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "bad").await, refusal);
    assert_eq!(records(&world).await, 1);
}

#[tokio::test]
async fn a_refusal_after_a_failed_statement_is_recorded() {
    let world = World::new().await;
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "one").await, Ok(1));
    let write_again = async |ctx: &CallContext| {
        let title = "one";
        let once = world.store.once::<_, u64, NoteError>(ctx, "write_note", title);
        let tx = match once.await? {
            Once::First(tx) => tx,
            Once::Recorded(outcome) => return outcome,
        };
        let id = world.store.ids().next().as_u128();
        let outcome = match tx.insert(note(id, title)).await {
            Err(error) if error.is_unique_on("notes", "title") => {
                Err(NoteError::BadTitle { title: title.into() })
            }
            other => panic!("the title is taken: {other:?}"),
        };
        tx.finish(outcome).await
    };
    let refusal = Err(NoteError::BadTitle { title: "one".into() });
    assert_eq!(write_again(&keyed(ours(), "other")).await, refusal);
    assert_eq!(write_again(&keyed(ours(), "other")).await, refusal);
    assert_eq!(records(&world).await, 2);
}

#[tokio::test]
async fn a_failure_is_not_recorded() {
    let world = World::new().await;
    let ctx = keyed(ours(), "k");
    let failed = write_note(&world.store, &ctx, "worse").await;
    assert_eq!(failed, Err(CallFailure::unavailable("elsewhere").into()));
    assert!(!ctx.was_recorded());
    assert_eq!(world.all_notes().await, []);
    assert_eq!((records(&world).await, outbox_rows(&world).await), (0, 0));
    assert_eq!(write_note(&world.store, &ctx, "better").await, Ok(1), "the key is free");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_not_recorded() {
    let world = World::new().await;
    let ctx = keyed(ours(), "k");
    let once = world.store.once::<_, u64, NoteError>(&ctx, "write_note", "one").await;
    let Ok(Once::First(tx)) = once else { panic!("it is the first") };
    tx.insert(note(1, "one")).await.expect("a note");
    drop(tx);
    assert_eq!(write_note(&world.store, &ctx, "two").await, Ok(1));
    assert_eq!(world.all_notes().await, [(ours(), "two".into(), 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_at_the_same_time_have_one_effect() {
    let world = World::new().await;
    for round in 0..10 {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = world.store.clone();
                let (key, title) = (format!("key {round}"), format!("note {round}"));
                tokio::spawn(async move { write_note(&store, &keyed(ours(), &key), &title).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Ok(round + 1));
        }
    }
    assert_eq!(world.all_notes().await.len(), 10);
    assert_eq!(outbox_rows(&world).await, 20);
}

#[tokio::test]
async fn keys_are_apart_by_tenant_and_by_method() {
    let world = World::new().await;
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "one").await, Ok(1));
    assert_eq!(write_note(&world.store, &keyed(theirs(), "k"), "two").await, Ok(1));
    let ctx = keyed(ours(), "k");
    let other = world.store.once::<_, u64, NoteError>(&ctx, "erase_note", "three").await;
    assert!(matches!(other, Ok(Once::First(_))));
}

#[tokio::test]
async fn a_call_without_a_tenant_is_refused() {
    let world = World::new().await;
    let time = std::time::Duration::from_secs(60);
    let nobody = CallContext::new(Principal::Anonymous, CallId(Uuid::from_u128(1)), time);
    let refused = write_note(&world.store, &nobody, "one").await;
    assert_eq!(refused, Err(CallFailure::outcome_unknown("notes").into()));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_incompatible() {
    let world = World::new().await;
    assert_eq!(write_note(&world.store, &keyed(ours(), "k"), "one").await, Ok(1));
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let newer = serde_json::json!({"Ok": {"from": "a newer build"}});
    let update = tx.update_many::<call_records::Entity>();
    let update = update.set(call_records::Column::Outcome, newer);
    update.filter(call_records::Column::Key.eq("k")).exec().await.expect("an update");
    tx.commit().await.expect("a commit");
    let unread = write_note(&world.store, &keyed(ours(), "k"), "one").await;
    assert!(matches!(unread, Err(NoteError::Call(CallFailure::Incompatible { .. }))));
}

/// Maps iterate as they like; equal arguments are equal all the same.
#[tokio::test]
async fn an_argument_is_compared_by_what_it_holds() {
    let world = World::new().await;
    let ctx = keyed(ours(), "k");
    let ordered: BTreeMap<_, _> = (0..50).map(|n| (format!("{n}"), n)).collect();
    let once = world.store.once::<_, u64, NoteError>(&ctx, "count", &ordered).await;
    let Ok(Once::First(tx)) = once else { panic!("it is the first") };
    assert_eq!(tx.finish(Ok(50)).await, Ok(50));
    for _ in 0..5 {
        let hashed: std::collections::HashMap<_, _> = ordered.clone().into_iter().collect();
        let once = world.store.once::<_, u64, NoteError>(&ctx, "count", &hashed).await;
        assert!(matches!(once, Ok(Once::Recorded(Ok(50)))));
    }
}

async fn outbox_rows(world: &World) -> u64 {
    let outbox = world.store.system(&TESTS).find::<storage::tables::outbox::Entity>();
    outbox.count().await.expect("a count")
}
