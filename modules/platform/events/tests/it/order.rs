//! Whatever fails on the way, each consumer sees each event of a key once and in order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use events::{EventEngine, HandlerError};
use kernel::Envelope;
use proptest::{collection::vec, prelude::*};
use seam::{CallFailure, EventBatch, EventBus, EventInbox, Receipt};
use storage::tables::inbox::State;

use crate::{
    script::{Failure, Script, action, effect},
    world::{
        Counted, LONG, Reader, applied_in, clock, counted, inbox_of, lock, publish,
        publishing_store, service_context, settings,
    },
};

/// What a network does to a publication.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Fair,
    /// Not sent.
    Down,
    /// Not delivered, and nobody knows.
    Lost,
    /// Delivered, and nobody knows.
    AnswerLost,
    /// Only the first so many are delivered.
    Cut(usize),
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        3 => Just(Weather::Fair),
        1 => Just(Weather::Down),
        1 => Just(Weather::Lost),
        1 => Just(Weather::AnswerLost),
        1 => (0_usize..4).prop_map(Weather::Cut),
    ]
}

/// Leads to one inbox, in changing weather, and then in fair weather.
struct Weathered {
    inbox: Arc<dyn EventInbox>,
    forecast: Mutex<Vec<Weather>>,
}

#[async_trait]
impl EventBus for Weathered {
    async fn publish(
        &self,
        destination: &str,
        mut envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        if destination != "reader" {
            return Ok(Receipt { taken: envelopes.iter().map(|envelope| envelope.id).collect() });
        }
        let weather = lock(&self.forecast).pop().unwrap_or(Weather::Fair);
        match weather {
            Weather::Down => return Err(CallFailure::unavailable(destination)),
            Weather::Lost => return Err(CallFailure::outcome_unknown(destination)),
            Weather::Cut(length) => envelopes.truncate(length),
            Weather::Fair | Weather::AnswerLost => {}
        }
        let delivered = self.inbox.deliver(&service_context(), EventBatch { envelopes }).await;
        let receipt = delivered.map_err(|error| error.into_failure(destination))?;
        match weather {
            Weather::AnswerLost => Err(CallFailure::outcome_unknown(destination)),
            _ => Ok(receipt),
        }
    }
}

#[derive(Clone, Debug)]
struct Story {
    /// Which counter is counted up, and how often the effect and the action then fail.
    counts: Vec<(u128, u32, u32)>,
    forecast: Vec<Weather>,
}

fn story() -> impl Strategy<Value = Story> {
    // Two failures at most: the third attempt is the last.
    (vec((0_u128..4, 0_u32..6, 0_u32..6), 1..25), vec(weather(), 0..12)).prop_map(
        |(counts, forecast)| {
            let often = |n: u32| n.saturating_sub(3);
            let counts = counts.into_iter().map(|(c, e, a)| (c, often(e), often(a))).collect();
            Story { counts, forecast }
        },
    )
}

async fn check(story: Story) {
    let clock = clock();
    let (effects, actions) = (Arc::new(Script::default()), Arc::new(Script::default()));
    let consumers = vec![effect("reader.count", &effects), action("reader.act", &actions)];
    let reader = Reader::with(&clock, consumers, Arc::clone(&effects)).await;
    let mut last: BTreeMap<u128, i64> = BTreeMap::new();
    let mut events: Vec<Counted> = Vec::new();
    for (counter, of_effect, of_action) in &story.counts {
        let n = last.entry(*counter).or_default();
        *n += 1;
        effects.fail(*counter, *n, Failure::Times(*of_effect));
        actions.fail(*counter, *n, Failure::Times(*of_action));
        events.push(counted(*counter, *n));
    }
    let store = publishing_store(&clock).await;
    let inbox = testing::Client::Loopback.of(reader.engine.inbox());
    let bus = Arc::new(Weathered { inbox, forecast: Mutex::new(story.forecast) });
    let publisher = EventEngine::new(store.store(), Vec::new(), bus, settings());
    for part in events.chunks(7) {
        publish(&store, part).await;
        for engine in [&publisher, &reader.engine] {
            engine.run_until_idle().await.expect("a working store");
        }
    }
    // More rounds than anything can be held back.
    for _ in 0..100 {
        clock.advance(LONG);
        testing::drain(&[&publisher, &reader.engine]).await.expect("working stores");
        let (out, taken) = (publisher.backlog().await, reader.engine.backlog().await);
        let unsent = out.expect("a working store").outbox.len();
        if unsent + usize::try_from(taken.expect("a working store").pending).expect("few") == 0 {
            break;
        }
    }
    let states = inbox_of(&reader.store).await;
    assert!(states.values().all(|state| *state == State::Done), "{states:?}");
    let expected: BTreeMap<u128, Vec<i64>> =
        last.iter().map(|(counter, n)| (*counter, (1..=*n).collect())).collect();
    assert_eq!(by_counter(applied_in(&reader.store, "reader.count").await), expected);
    for (script, what) in [(&effects, "effect"), (&actions, "action")] {
        let calls = by_counter(script.calls().iter().map(|call| (call.counter, call.n)).collect());
        for (counter, mut calls) in calls {
            assert!(calls.is_sorted(), "the {what} saw {calls:?} of counter {counter}");
            calls.dedup();
            assert_eq!(calls, expected[&counter], "the {what}, counter {counter}");
        }
    }
}

fn by_counter(counts: Vec<(u128, i64)>) -> BTreeMap<u128, Vec<i64>> {
    let mut sorted: BTreeMap<u128, Vec<i64>> = BTreeMap::new();
    for (counter, n) in counts {
        sorted.entry(counter).or_default().push(n);
    }
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_consumer_sees_each_event_of_a_key_once_and_in_order(story in story()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(check(story));
    }
}

#[test]
fn a_failure_keeps_its_cause() {
    let error = HandlerError::from(CallFailure::unavailable("billing"));
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.to_string(), "billing is unavailable; nothing was done");
}
