//! The checks. Each begins with a bed of its own, on which nothing is up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use kernel::{Envelope, EventId};
use seam::EventInbox;
use serde_json::json;

use super::{
    BusBed, Counted, Notebook, TENANT, counted, envelopes, publish_all,
    reader::{Fails, Reader},
    within,
};

/// A receipt names all, and all arrive.
pub async fn takes_all_of_a_batch_and_brings_it(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let batch = envelopes(&counted(3, 1));
    let receipt = within(bed.bus().publish("reader", batch.clone())).await.expect("a receipt");
    assert_eq!(receipt.taken, ids(&batch));
    notebook.reached(3).await;
    assert_eq!(notebook.distinct(), batch);
}

/// Nothing of an envelope is lost or changed on the way: tenant, trace and any payload.
pub async fn an_envelope_arrives_unchanged(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let traced = Envelope {
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        version: 7,
        payload: json!({
            "text": "Größe \u{1f9f1}\n\"\\",
            "big": i64::MIN,
            "fraction": 0.1,
            "nested": [null, { "": [] }],
            "long": "a".repeat(300_000),
        }),
        ..Counted { counter: 1, n: i64::MAX }.envelope()
    };
    let of_nobody = Envelope { tenant: None, ..Counted { counter: 2, n: 1 }.envelope() };
    assert_eq!(traced.tenant, Some(TENANT));
    let sent = vec![traced, of_nobody];
    publish_all(&bed.bus(), "reader", &sent).await;
    notebook.reached(2).await;
    assert_eq!(notebook.distinct(), sent);
}

/// With one consumer, the events of an aggregate come as they were published, batch after batch.
pub async fn the_order_of_each_aggregate_is_kept(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let sent = envelopes(&counted(5, 40));
    for batch in sent.chunks(20) {
        publish_all(&bed.bus(), "reader", batch).await;
    }
    notebook.reached(sent.len()).await;
    assert_eq!(by_aggregate(&notebook.distinct()), by_aggregate(&sent));
}

/// The longest batch that there is.
pub async fn takes_500_at_once(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let batch = envelopes(&counted(50, 10));
    let receipt = within(bed.bus().publish("reader", batch.clone())).await.expect("a receipt");
    assert_eq!(receipt.taken, ids(&batch));
    notebook.reached(500).await;
    assert_eq!(notebook.distinct(), batch);
}

/// Published twice, and twice in one batch, an event has one effect.
pub async fn a_duplicate_has_no_second_effect(bed: &dyn BusBed) {
    let reader = Reader::new().await;
    let engine = reader.engine();
    bed.start("reader", engine.inbox()).await;
    let events = counted(3, 2);
    let once = envelopes(&events);
    let twice: Vec<Envelope> = once.iter().chain(&once).cloned().collect();
    publish_all(&bed.bus(), "reader", &twice).await;
    publish_all(&bed.bus(), "reader", &once).await;
    // What comes last tells that the rest has come.
    let last = Counted { counter: 9, n: 1 };
    publish_all(&bed.bus(), "reader", &[last.envelope()]).await;
    reader.reached(events.len() + 1, &engine).await;
    let mut expected: Vec<Counted> = events.into_iter().chain([last]).collect();
    let mut effects = reader.effects().await;
    // Things are counted beside each other where the engine can.
    expected.sort_by_key(|event| (event.counter, event.n));
    effects.sort_by_key(|event| (event.counter, event.n));
    assert_eq!(effects, expected);
}

/// Several relays publish at once.
pub async fn publishers_do_not_get_into_each_others_way(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let sent = envelopes(&counted(4, 50));
    let by_publisher = |publisher: usize| -> Vec<Envelope> {
        sent.iter().skip(publisher).step_by(4).cloned().collect()
    };
    let publishers: Vec<_> = (0..4)
        .map(|publisher| {
            let (bus, own) = (bed.bus(), by_publisher(publisher));
            tokio::spawn(async move {
                for batch in own.chunks(10) {
                    publish_all(&bus, "reader", batch).await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.expect("a publisher that is done");
    }
    notebook.reached(sent.len()).await;
    assert_eq!(by_aggregate(&notebook.distinct()), by_aggregate(&sent));
}

/// Nothing is taken for a module that was never there: the publisher keeps it.
pub async fn a_module_that_is_nowhere_takes_nothing(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let batch = envelopes(&counted(2, 1));
    let published = within(bed.bus().publish("nobody", batch.clone())).await;
    let taken = published.map(|receipt| receipt.taken).unwrap_or_default();
    assert_eq!(taken, []);
    // And others are none the worse for it.
    publish_all(&bed.bus(), "reader", &batch).await;
    notebook.reached(2).await;
}

/// A publication to a module that is down keeps none to another, and arrives once it is up.
pub async fn a_module_that_is_down_holds_up_no_other(bed: &dyn BusBed) {
    let reader = up(bed, "reader").await;
    let archive = up(bed, "archive").await;
    bed.stop("archive").await;
    let sent = envelopes(&counted(2, 20));
    let (bus, for_archive) = (bed.bus(), sent.clone());
    let to_archive = tokio::spawn(async move {
        for batch in for_archive.chunks(10) {
            publish_all(&bus, "archive", batch).await;
        }
    });
    for batch in sent.chunks(10) {
        publish_all(&bed.bus(), "reader", batch).await;
    }
    reader.reached(sent.len()).await;
    assert_eq!(archive.noted(), []);
    bed.start("archive", archive.clone()).await;
    within(to_archive).await.expect("a publisher that is done");
    archive.reached(sent.len()).await;
    assert_eq!(by_aggregate(&archive.distinct()), by_aggregate(&sent));
}

/// While the receiver's store is down, what is published stays with the bus or the publisher.
pub async fn what_the_inbox_does_not_take_is_not_lost(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    notebook.fail();
    let sent = envelopes(&counted(3, 10));
    let (bus, to_send) = (bed.bus(), sent.clone());
    let publisher = tokio::spawn(async move { publish_all(&bus, "reader", &to_send).await });
    notebook.asked(5).await;
    assert_eq!(notebook.noted(), []);
    notebook.heal();
    within(publisher).await.expect("a publisher that is done");
    notebook.reached(sent.len()).await;
    assert_eq!(by_aggregate(&notebook.distinct()), by_aggregate(&sent));
}

/// Where the receiver cannot get past one event, later ones of its aggregate wait behind it; the
/// others come through, sent by themselves as a relay does where a batch was not taken.
pub async fn one_event_that_is_not_taken_holds_up_no_other_aggregate(bed: &dyn BusBed) {
    let notebook = up(bed, "reader").await;
    let sent = envelopes(&counted(3, 5));
    notebook.get_stuck_at(sent[0].id);
    let publishers: Vec<_> = by_aggregate(&sent)
        .into_keys()
        .map(|key| {
            let is_own = |envelope: &&Envelope| envelope.aggregate.ordering_key() == key;
            let own: Vec<Envelope> = sent.iter().filter(is_own).cloned().collect();
            let bus = bed.bus();
            tokio::spawn(async move { publish_all(&bus, "reader", &own).await })
        })
        .collect();
    notebook.reached(10).await;
    let stuck = sent[0].aggregate.ordering_key();
    assert!(!by_aggregate(&notebook.noted()).contains_key(&stuck));
    notebook.heal();
    for publisher in publishers {
        within(publisher).await.expect("a publisher that is done");
    }
    notebook.reached(sent.len()).await;
    assert_eq!(by_aggregate(&notebook.distinct()), by_aggregate(&sent));
}

/// The publisher may forget what was taken, whatever becomes of the receiver then.
pub async fn what_was_taken_survives_a_restart_of_the_receiver(bed: &dyn BusBed) {
    let reader = Reader::new().await;
    let first = reader.engine();
    bed.start("reader", first.inbox()).await;
    reader.fail(Fails::Yes);
    let events = counted(4, 5);
    publish_all(&bed.bus(), "reader", &envelopes(&events)).await;
    bed.stop("reader").await;
    drop(first);
    assert_eq!(reader.effects().await, []);

    reader.fail(Fails::No);
    let second = reader.engine();
    bed.start("reader", second.inbox()).await;
    reader.reached(events.len(), &second).await;
    let effects = reader.effects().await;
    assert_eq!(effects.len(), events.len(), "once each");
    assert_eq!(effects.iter().collect::<HashSet<_>>(), events.iter().collect());
    for counter in 1..=4 {
        let counts = effects.iter().filter(|effect| effect.counter == counter);
        assert!(counts.map(|effect| effect.n).eq(1..=5), "in order");
    }
}

async fn up(bed: &dyn BusBed, module: &str) -> Arc<Notebook> {
    let notebook = Notebook::new();
    bed.start(module, Arc::clone(&notebook) as Arc<dyn EventInbox>).await;
    notebook
}

fn ids(envelopes: &[Envelope]) -> Vec<EventId> {
    envelopes.iter().map(|envelope| envelope.id).collect()
}

/// The versions of each aggregate, in order.
fn by_aggregate(envelopes: &[Envelope]) -> HashMap<String, Vec<i64>> {
    let mut versions: HashMap<String, Vec<i64>> = HashMap::new();
    for Envelope { aggregate, .. } in envelopes {
        versions.entry(aggregate.ordering_key()).or_default().push(aggregate.version);
    }
    versions
}
