//! What comes in while the inbox does not take it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::CallContext;
use seam::{DeliveryError, EventBatch, EventBus, EventInbox, Receipt};
use testing::bus_contract::{BusBed, Notebook};
use tokio::sync::Notify;

use super::{
    bed::{Bed, counted, envelope},
    proxy::Proxy,
    within,
};

#[tokio::test]
async fn an_outage_of_the_store_makes_no_dead_letters() {
    let bed = Bed::with(|config| config.prefetch = 10);
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    notebook.fail();
    within(bed.broker.publish("reader", counted(1..=40))).await.expect("a receipt");
    // More attempts than a message may be delivered.
    notebook.asked(150).await;
    let raw = bed.raw().await;
    assert_eq!(raw.waiting(&bed.inbox("reader")).await, 30, "what is in hand stays in hand");
    assert_eq!(within(bed.broker.dead_letters("reader")).await.expect("a number"), 0);
    let feed = bed.broker.state().feeds["reader"].clone();
    assert_eq!((feed.in_hand, feed.taken, feed.trouble.is_some()), (10, 0, true));

    notebook.heal();
    notebook.reached(40).await;
    assert_eq!(notebook.noted(), counted(1..=40), "in order, and once");
    raw.until_waiting(&bed.inbox("reader"), 0).await;
    super::until(|| (bed.broker.state().feeds["reader"].taken == 40).then_some(())).await;
    assert_eq!(bed.broker.state().feeds["reader"].trouble, None);
}

#[tokio::test]
async fn an_event_that_the_inbox_cannot_take_waits_with_its_aggregate_alone() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    let mixed: Vec<_> = (1..=10).flat_map(|n| [envelope(1, n), envelope(2, n)]).collect();
    notebook.get_stuck_at(envelope(1, 3).id);
    within(bed.broker.publish("reader", mixed)).await.expect("a receipt");
    notebook.reached(12).await;
    let versions = |counter| -> Vec<i64> {
        let key = envelope(counter, 1).aggregate.ordering_key();
        let noted = notebook.noted();
        let own = noted.iter().filter(|envelope| envelope.aggregate.ordering_key() == key);
        own.map(|envelope| envelope.aggregate.version).collect()
    };
    assert_eq!(versions(2), Vec::from_iter(1..=10));
    assert_eq!(versions(1), [1, 2]);
    // What was taken is gone from the broker, whatever stands before it.
    let taken = || bed.broker.state().feeds["reader"].in_hand == 8;
    super::until(|| taken().then_some(())).await;

    notebook.heal();
    notebook.reached(20).await;
    assert_eq!(versions(1), Vec::from_iter(1..=10));
}

/// Takes nothing before it is told to, and does not say so either.
#[derive(Default)]
struct Slow {
    asked: Notify,
    go_on: Notify,
}

#[async_trait]
impl EventInbox for Slow {
    async fn deliver(
        &self,
        _ctx: &CallContext,
        batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        self.asked.notify_one();
        self.go_on.notified().await;
        let taken = batch.envelopes.iter().map(|envelope| envelope.id).collect();
        Ok(Receipt { taken })
    }
}

#[tokio::test]
async fn a_feed_that_stops_finishes_what_it_delivers() {
    let bed = Bed::new();
    let slow = Arc::<Slow>::default();
    bed.start("reader", slow.clone()).await;
    within(bed.broker.publish("reader", counted(1..=1))).await.expect("a receipt");
    within(slow.asked.notified()).await;
    // It is told to stop before the delivery is done.
    let stopping = bed.stop("reader");
    let going_on = async {
        tokio::task::yield_now().await;
        slow.go_on.notify_one();
    };
    tokio::join!(stopping, going_on);
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    within(bed.broker.publish("reader", counted(2..=2))).await.expect("a receipt");
    notebook.reached(1).await;
    assert_eq!(notebook.noted(), counted(2..=2), "the first was acknowledged");
}

#[tokio::test]
async fn what_was_not_taken_when_a_feed_stops_comes_again() {
    let bed = Bed::new();
    let failing = Notebook::new();
    failing.fail();
    bed.start("reader", failing.clone()).await;
    within(bed.broker.publish("reader", counted(1..=5))).await.expect("a receipt");
    failing.asked(2).await;
    bed.stop("reader").await;
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    notebook.reached(5).await;
    assert_eq!(notebook.noted(), counted(1..=5), "in order");
}

/// The program dies, rather than stop: its connections break, and it never comes back.
#[tokio::test]
async fn what_was_in_hand_of_a_program_that_dies_comes_again() {
    let proxy = Proxy::to_the_broker().await;
    let dying = Bed::with(|config| config.url = proxy.url());
    let slow = Arc::<Slow>::default();
    dying.start("reader", slow.clone()).await;
    let survivor = dying.another();
    within(survivor.broker.publish("reader", counted(1..=3))).await.expect("a receipt");
    within(slow.asked.notified()).await;
    proxy.cut();
    let notebook = Notebook::new();
    survivor.start("reader", notebook.clone()).await;
    notebook.reached(3).await;
    assert_eq!(notebook.distinct(), counted(1..=3));
}
