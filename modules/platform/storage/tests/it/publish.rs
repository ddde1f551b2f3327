//! A fact is written with the change that it tells of.

use std::time::Duration;

use futures_util::FutureExt;
use kernel::{Envelope, EventId, TraceContext};
use storage::{
    LARGEST_EVENT, Scheduled, StoreError, lane_of,
    tables::{outbox, scheduled},
};
use uuid::Uuid;

use crate::world::{
    NoteQuoted, NoteRead, NoteWritten, TESTS, World, context, note, ours, start, theirs,
};

fn written(id: u128) -> NoteWritten {
    NoteWritten { note: Uuid::from_u128(id) }
}

async fn outbox(world: &World) -> Vec<outbox::Model> {
    let rows = world.store.system(&TESTS).find::<outbox::Entity>();
    rows.order_by_asc(outbox::Column::Seq).all().await.expect("the outbox")
}

async fn waiting(world: &World) -> Vec<Envelope> {
    let rows = world.store.system(&TESTS).find::<scheduled::Entity>();
    let rows = rows.order_by_asc(scheduled::Column::DueAt).all().await.expect("the schedule");
    rows.iter().map(|row| row.envelope().expect("an envelope")).collect()
}

#[tokio::test]
async fn each_destination_gets_a_row() {
    let world = World::new().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ctx = context(ours())
        .with_trace(TraceContext::from_traceparent(trace).expect("the standard's example"));
    let tx = world.store.write(&ctx).await.expect("a transaction");
    let id = tx.publish(&written(5)).await.expect("an event");
    tx.commit().await.expect("a commit");

    let rows = outbox(&world).await;
    let destinations: Vec<_> = rows.iter().map(|row| row.destination.as_str()).collect();
    assert_eq!(destinations, ["search", "notifications"]);
    for row in rows {
        assert_eq!(row.event_id, id.0);
        assert_eq!(row.ordering_key, format!("note:{}", Uuid::from_u128(5)));
        assert_eq!(row.lane, lane_of(&row.ordering_key));
        assert_eq!(row.tenant_id, Some(ours().0));
        assert_eq!((row.attempts, row.sent_at, &row.last_error), (0, None, &None));
        let envelope = row.envelope().expect("an envelope");
        assert_eq!(envelope.id, id);
        assert_eq!(envelope.source, "notes");
        assert_eq!(envelope.tenant, Some(ours()));
        assert_eq!(envelope.occurred_at, start());
        assert_eq!(envelope.traceparent.as_deref(), Some(trace));
        assert_eq!(envelope.decode::<NoteWritten>().expect("the event"), written(5));
    }
}

#[tokio::test]
async fn a_fact_that_nobody_takes_needs_no_row() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.publish(&NoteRead { note: Uuid::from_u128(5) }).await.expect("an event");
    tx.commit().await.expect("a commit");
    assert_eq!(outbox(&world).await, []);
    assert!(world.store.news().now_or_never().is_none());
}

#[tokio::test]
async fn a_fact_is_no_longer_than_every_broker_takes() {
    let world = World::new().await;
    let quoted = |length| NoteQuoted { text: "x".repeat(length) };
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let refused = tx.publish(&quoted(LARGEST_EVENT)).await.expect_err("too long");
    let StoreError::EventTooLarge { event_type: "notes.note_quoted", bytes, .. } = refused else {
        panic!("{refused}")
    };
    let envelope_alone = bytes - LARGEST_EVENT;
    let refused = tx.schedule(start(), "reminder", &quoted(LARGEST_EVENT)).await;
    assert!(matches!(refused, Err(StoreError::EventTooLarge { .. })), "{refused:?}");
    // Nothing was written, and the transaction goes on.
    tx.publish(&quoted(LARGEST_EVENT - envelope_alone)).await.expect("the longest that goes");
    tx.commit().await.expect("a commit");
    let rows = outbox(&world).await;
    let envelope = rows[0].envelope().expect("an envelope");
    assert_eq!(serde_json::to_string(&envelope).expect("JSON").len(), LARGEST_EVENT);
}

#[tokio::test]
async fn a_fact_is_undone_with_its_change() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(5, "never")).await.expect("a note");
    tx.publish(&written(5)).await.expect("an event");
    tx.schedule(start(), "reminder", &written(5)).await.expect("a schedule");
    drop(tx);
    assert_eq!(world.all_notes().await, []);
    assert_eq!(outbox(&world).await, []);
    assert_eq!(waiting(&world).await, []);
    assert!(world.store.news().now_or_never().is_none());
}

#[tokio::test]
async fn the_relay_is_woken_by_the_commit() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.publish(&written(5)).await.expect("an event");
    assert!(world.store.news().now_or_never().is_none(), "not before it");
    tx.commit().await.expect("a commit");
    let news = world.store.news().now_or_never().expect("some news");
    let destinations: Vec<_> = news.destinations.iter().map(String::as_str).collect();
    assert_eq!((destinations, news.scheduled), (vec!["notifications", "search"], false));
    assert!(world.store.news().now_or_never().is_none(), "they are told once");
}

#[tokio::test]
async fn the_system_publishes_for_a_tenant_or_for_none() {
    let world = World::new().await;
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let ctx = context(theirs());
    tx.publish(None, &ctx, &written(1)).await.expect("an event");
    tx.publish(Some(ours()), &ctx, &written(2)).await.expect("an event");
    tx.commit().await.expect("a commit");
    let tenants: Vec<_> = outbox(&world).await.iter().map(|row| row.tenant_id).collect();
    assert_eq!(tenants, [None, None, Some(ours().0), Some(ours().0)]);
}

#[tokio::test]
async fn one_event_waits_under_a_key() {
    let world = World::new().await;
    let later = start() + Duration::from_secs(60);
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let first = tx.schedule(later, "reminder", &written(1)).await.expect("a schedule");
    let Scheduled::New(id) = first else { panic!("nothing waited") };
    let second = tx.schedule(start(), "reminder", &written(2)).await.expect("a schedule");
    assert_eq!(second, Scheduled::AlreadyWaiting);
    tx.commit().await.expect("a commit");
    let waiting = waiting(&world).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].id, waiting[0].occurred_at), (id, later));
}

#[tokio::test]
async fn a_key_is_its_tenants_own() {
    let world = World::new().await;
    let tx = world.store.write(&context(theirs())).await.expect("a transaction");
    tx.schedule(start(), "reminder", &written(1)).await.expect("a schedule");
    tx.commit().await.expect("a commit");
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    assert!(!tx.cancel("reminder").await.expect("an answer"), "theirs is not ours");
    let ours_too = tx.schedule(start(), "reminder", &written(2)).await.expect("a schedule");
    assert!(matches!(ours_too, Scheduled::New(_)));
    assert!(tx.cancel("reminder").await.expect("an answer"));
    assert!(!tx.cancel("reminder").await.expect("an answer"), "once");
    tx.commit().await.expect("a commit");
    assert_eq!(waiting(&world).await.len(), 1);

    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let ctx = context(ours());
    let none = tx.schedule(None, &ctx, start(), "reminder", &written(3)).await;
    assert!(matches!(none, Ok(Scheduled::New(_))));
    assert!(tx.cancel(None, "reminder").await.expect("an answer"));
    assert!(tx.cancel(Some(theirs()), "reminder").await.expect("an answer"));
    assert!(!tx.cancel(Some(ours()), "reminder").await.expect("an answer"));
}

#[tokio::test]
async fn what_is_due_goes_into_the_outbox_in_order() {
    let world = World::new().await;
    let at = |seconds| start() + Duration::from_secs(seconds);
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let mut ids: Vec<EventId> = Vec::new();
    for (n, due) in [(1, at(30)), (2, at(10)), (3, at(20)), (4, at(40))] {
        let scheduled = tx.schedule(due, &format!("key {n}"), &written(n)).await;
        let Ok(Scheduled::New(id)) = scheduled else { panic!("nothing waited") };
        ids.push(id);
    }
    tx.commit().await.expect("a commit");

    let promote = async |now, limit| {
        let tx = world.store.system_write(&TESTS).await.expect("a transaction");
        let promoted = tx.promote_due(limit, now).await.expect("a promotion");
        tx.commit().await.expect("a commit");
        promoted.moved
    };
    assert_eq!(promote(at(9), 10).await, 0);
    assert_eq!(promote(at(30), 2).await, 2);
    assert_eq!(promote(at(30), 2).await, 1);
    assert_eq!(promote(at(30), 2).await, 0);
    assert!(world.store.news().now_or_never().is_some());
    let rows = outbox(&world).await;
    let promoted: Vec<_> = rows.iter().map(|row| EventId(row.event_id)).collect();
    assert_eq!(promoted, [ids[1], ids[2], ids[0]]);
    assert!(rows.iter().all(|row| row.destination == "notes"), "the module tells itself");
    assert_eq!(waiting(&world).await.len(), 1);

    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let again = tx.schedule(at(50), "key 1", &written(1)).await.expect("a schedule");
    assert!(matches!(again, Scheduled::New(_)), "its key is free");
}
