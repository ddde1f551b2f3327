//! What an operator does with dead letters.

use std::sync::Arc;

use async_trait::async_trait;
use events::{
    Consumer, DeadLetterId, DeadLetterQuery, Delivery, Effect, EventEngine, HandlerError,
    Happening, ReplayError,
};
use kernel::{Aggregate, CallContext, Envelope, Event};
use serde::{Deserialize, Serialize};
use storage::{TenantTx, tables::inbox::State};
use testing::RecordingBus;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    script::{Failure, Script, effect},
    world::{LONG, PATIENCE, Reader, clock, envelope, inbox_of, settings},
};

const COUNT: &str = "reader.count";

fn id(n: i64) -> DeadLetterId {
    DeadLetterId { event: envelope(1, n).id, consumer: COUNT.to_owned() }
}

async fn reader_with_dead(ns: std::ops::RangeInclusive<i64>) -> Reader {
    let reader = Reader::new(&clock()).await;
    for n in ns {
        reader.script.fail(1, n, Failure::Permanently);
        reader.deliver(vec![envelope(1, n)]).await;
    }
    reader
}

#[tokio::test]
async fn a_replayed_letter_is_handled_and_keeps_its_history() {
    let reader = reader_with_dead(1..=1).await;
    let letters = reader.engine.dead_letters();
    letters.replay(&id(1)).await.expect("a dead letter");
    reader.settle().await;
    let detail = letters.show(&id(1)).await.expect("a working store").expect("dead again");
    let what: Vec<_> = detail.history.iter().map(|entry| entry.what.clone()).collect();
    let parked = Happening::Parked { attempt: 1, error: "no good".to_owned() };
    assert_eq!(what, [parked.clone(), Happening::Replayed, parked]);

    reader.script.heal(1, 1);
    letters.replay(&id(1)).await.expect("a dead letter");
    reader.settle().await;
    assert_eq!(reader.applied().await, [(1, 1)]);
    assert_eq!(reader.inbox().await[&(COUNT.to_owned(), 1)], State::Done);
    let again = letters.replay(&id(1)).await;
    assert!(matches!(again, Err(ReplayError::NotFound(_))), "{again:?}");
}

#[tokio::test]
async fn a_replayed_letter_has_all_its_attempts_again() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    reader.script.fail(1, 1, Failure::Always);
    reader.deliver(vec![envelope(1, 1)]).await;
    for _ in 0..2 {
        for _ in 0..settings().max_attempts {
            clock.advance(LONG);
            reader.settle().await;
        }
        reader.engine.dead_letters().replay(&id(1)).await.expect("a dead letter");
    }
    let attempts: Vec<u32> = reader.script.calls().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 1, 2, 3]);
}

#[tokio::test]
async fn all_of_a_consumer_are_replayed_once_even_where_they_die_again() {
    let reader = reader_with_dead(1..=120).await;
    for n in 1..=100 {
        reader.script.heal(1, n);
    }
    let letters = reader.engine.dead_letters();
    assert_eq!(letters.replay_all(COUNT).await.expect("a consumer"), 120);
    reader.settle().await;
    assert_eq!(reader.applied().await, (1..=100).map(|n| (1, n)).collect::<Vec<_>>());
    assert_eq!(reader.engine.backlog().await.expect("a working store").dead, 20);
    let unknown = letters.replay_all("reader.unheard_of").await;
    assert!(matches!(unknown, Err(ReplayError::NoSuchConsumer(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_replay_of_all_ends_though_the_letters_die_again_meanwhile() {
    let reader = reader_with_dead(1..=150).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&reader.engine).run(stop.clone()));
    let letters = reader.engine.dead_letters();
    let replayed = tokio::time::timeout(PATIENCE, letters.replay_all(COUNT)).await;
    assert_eq!(replayed.expect("in time").expect("a consumer"), 150);
    // Each was handled once when it came, and once more.
    reader.script.reached(300).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn the_list_has_each_letter_once_whatever_the_size_of_its_pages() {
    let clock = clock();
    let script = Arc::new(Script::default());
    let consumers = vec![effect(COUNT, &script), effect("reader.other", &script)];
    let reader = Reader::with(&clock, consumers, script).await;
    for n in 1..=7 {
        reader.script.fail(1, n, Failure::Permanently);
    }
    reader.deliver((1..=8).map(|n| envelope(1, n)).collect()).await;
    let letters = reader.engine.dead_letters();
    let everything: Vec<DeadLetterId> = (1..=7)
        .rev()
        .flat_map(|n| [id(n), DeadLetterId { consumer: "reader.other".to_owned(), ..id(n) }])
        .collect();
    for limit in 1..=15 {
        let mut query = DeadLetterQuery { limit: Some(limit), ..DeadLetterQuery::default() };
        let mut seen = Vec::new();
        loop {
            let page = letters.list(&query).await.expect("a working store");
            seen.extend(page.items.into_iter().map(|letter| letter.id));
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, everything, "{limit} at a time");
    }
    let query = DeadLetterQuery { consumer: Some(COUNT.to_owned()), ..DeadLetterQuery::default() };
    let page = letters.list(&query).await.expect("a working store");
    assert_eq!(page.items.len(), 7);
}

#[test]
fn a_letters_name_is_text() {
    let text = "00000000-0000-0001-0000-000000000007/reader.count";
    let name: DeadLetterId = text.parse().expect("a name");
    assert_eq!(name, id(7));
    assert_eq!(name.to_string(), text);
    for malformed in ["", "reader.count", "17/reader.count"] {
        assert!(malformed.parse::<DeadLetterId>().is_err(), "{malformed}");
    }
}

/// What a newer build knows of [`crate::world::Counted`].
#[derive(Serialize, Deserialize, ToSchema)]
struct CountedAnew {
    counter: Uuid,
    by: i64,
}

impl Event for CountedAnew {
    const TYPE: &'static str = "counter.counted";
    const VERSION: u32 = 2;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("counter", self.counter, self.by)
    }
}

struct Accept;

#[async_trait]
impl Effect<CountedAnew> for Accept {
    async fn apply(
        &self,
        _tx: &TenantTx,
        _ctx: &CallContext,
        _event: CountedAnew,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[tokio::test]
async fn an_unknown_version_waits_for_the_build_that_knows_it() {
    let reader = Reader::new(&clock()).await;
    let payload = serde_json::json!({ "counter": Uuid::from_u128(1), "by": 3 });
    let newer = Envelope { version: 2, payload, ..envelope(1, 1) };
    reader.deliver(vec![newer]).await;
    let detail = reader.engine.dead_letters().show(&id(1)).await.expect("a working store");
    let detail = detail.expect("a dead letter");
    assert_eq!(detail.letter.version, Some(2));
    let error = "version 2 of counter.counted is unknown here".to_owned();
    assert_eq!(detail.history[0].what, Happening::Parked { attempt: 0, error });

    let consumers = vec![Consumer::effect::<CountedAnew>(COUNT, Arc::new(Accept))];
    let bus = RecordingBus::new();
    let next_build = EventEngine::new(reader.store.store(), consumers, bus, settings());
    next_build.dead_letters().replay(&id(1)).await.expect("a dead letter");
    next_build.run_until_idle().await.expect("a working store");
    let states: Vec<State> = inbox_of(&reader.store).await.into_values().collect();
    assert_eq!(states, [State::Done]);
}
