//! What the relay is to send now.

use std::time::Duration;

use kernel::{Aggregate, Envelope, EventId, Timestamp};
use proptest::{collection::vec, prelude::*};
use sea_orm::ColumnTrait;
use storage::{LANES, lane_of, tables::outbox};
use uuid::Uuid;

use crate::world::{TESTS, World, start};

fn envelope(event: u128, aggregate: u128) -> Envelope {
    Envelope {
        id: EventId(Uuid::from_u128(event)),
        event_type: "notes.note_written".into(),
        version: 1,
        source: "notes".into(),
        tenant: None,
        aggregate: Aggregate::new("note", Uuid::from_u128(aggregate), 1),
        occurred_at: start(),
        traceparent: None,
        payload: serde_json::Value::Null,
    }
}

fn all_lanes() -> Vec<i32> {
    (0..LANES).collect()
}

#[derive(Clone, Debug)]
struct Row {
    destination: &'static str,
    aggregate: u128,
    sent: bool,
    /// Seconds after the start.
    next_attempt: u64,
}

async fn world_with(rows: &[Row]) -> World {
    let world = World::new().await;
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    for (event, row) in rows.iter().enumerate() {
        let event = event as u128;
        tx.enqueue(&envelope(event, row.aggregate), row.destination).await.expect("a row");
        let next: Timestamp = start() + Duration::from_secs(row.next_attempt);
        let update = tx
            .update_many::<outbox::Entity>()
            .set(outbox::Column::NextAttemptAt, next.to_offset_date_time())
            .set(outbox::Column::SentAt, row.sent.then(|| start().to_offset_date_time()))
            .filter(outbox::Column::EventId.eq(Uuid::from_u128(event)));
        assert_eq!(update.exec().await.expect("an update"), 1);
    }
    tx.commit().await.expect("a commit");
    world
}

async fn due(world: &World, lanes: &[i32], limit: u64, seconds: u64) -> Vec<u128> {
    let now = start() + Duration::from_secs(seconds);
    let rows = world.store.system(&TESTS).due_outbox(lanes, limit, now).await.expect("rows");
    let ids: Vec<_> = rows.iter().map(|row| row.event_id.as_u128()).collect();
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let inside = tx.due_outbox(lanes, limit, now).await.expect("rows");
    assert_eq!(inside, rows);
    ids
}

#[tokio::test]
async fn a_blocked_key_holds_up_only_itself() {
    let row = |destination, aggregate, next_attempt| Row {
        destination,
        aggregate,
        sent: false,
        next_attempt,
    };
    let world = world_with(&[
        row("search", 1, 60),       // 0: waits for its next attempt
        row("search", 1, 0),        // 1: behind it
        row("search", 2, 0),        // 2: another key
        row("notifications", 1, 0), // 3: another destination
        row("search", 2, 60),       // 4: waits, after 2
        row("search", 2, 0),        // 5: behind it
    ])
    .await;
    assert_eq!(due(&world, &all_lanes(), 100, 0).await, [2, 3]);
    assert_eq!(due(&world, &all_lanes(), 1, 0).await, [2]);
    assert_eq!(due(&world, &all_lanes(), 100, 60).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(due(&world, &[], 100, 60).await, [0; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_is_what_the_rule_says(
        rows in vec(
            (0..2_usize, 0..3_u128, any::<bool>(), 0..3_u64).prop_map(|(to, aggregate, sent, next)| {
                Row { destination: ["search", "notifications"][to], aggregate, sent, next_attempt: next }
            }),
            0..16,
        ),
        lane_count in 0..=LANES,
        now in 0..3_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let lanes: Vec<_> = (0..lane_count).collect();
            let key = |row: &Row| (row.destination, row.aggregate);
            let expected: Vec<_> = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| !row.sent && row.next_attempt <= now)
                .filter(|(n, row)| {
                    let lane = lane_of(&envelope(0, row.aggregate).aggregate.ordering_key());
                    lanes.contains(&lane)
                        && !rows[..*n].iter().any(|earlier| {
                            key(earlier) == key(row) && !earlier.sent && earlier.next_attempt > now
                        })
                })
                .map(|(n, _)| n as u128)
                .collect();
            let world = world_with(&rows).await;
            assert_eq!(due(&world, &lanes, 100, now).await, expected);
        });
    }
}
