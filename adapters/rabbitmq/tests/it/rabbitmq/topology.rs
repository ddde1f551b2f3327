//! What is declared, and what becomes of what is there already.

use lapin::{ExchangeKind, types::AMQPValue};
use rabbitmq::RabbitError;
use seam::{CallFailure, EventBus};
use testing::bus_contract::{BusBed, Notebook};

use super::{
    bed::{Bed, counted},
    until, within,
};

#[tokio::test]
async fn everything_is_declared_as_often_as_one_likes() {
    let bed = Bed::new();
    for _ in 0..3 {
        bed.start("reader", Notebook::new()).await;
        within(bed.broker.publish("reader", counted(1..=1))).await.expect("a receipt");
        bed.stop("reader").await;
    }
}

#[tokio::test]
async fn a_queue_that_differs_is_named_and_left_alone() {
    let bed = Bed::new();
    let raw = bed.raw().await;
    let queue = bed.inbox("reader");
    raw.declare_queue(&queue, &[("x-max-length", AMQPValue::LongInt(10))]).await;
    bed.begin("reader", Notebook::new());
    let told = |feed: &rabbitmq::FeedState| feed.trouble.clone();
    let trouble = until(|| bed.broker.state().feeds.get("reader").and_then(told)).await;
    assert!(trouble.contains(&queue) && trouble.contains("other properties"), "{trouble}");
    assert!(trouble.contains("x-"), "the broker says which: {trouble}");
    // An operator deletes it, and nobody needs to start the program again.
    raw.delete_queue(&queue).await;
    until(|| bed.is_consuming("reader").then_some(())).await;
}

#[tokio::test]
async fn an_exchange_that_differs_takes_nothing() {
    let bed = Bed::new();
    let raw = bed.raw().await;
    raw.declare_exchange(&format!("{}.events", bed.prefix), ExchangeKind::Topic).await;
    let refused = within(bed.broker.publish("reader", counted(1..=1))).await;
    assert_eq!(refused, Err(CallFailure::unavailable("reader")));
    let differs = within(bed.broker.dead_letters("reader")).await;
    assert!(matches!(differs, Err(RabbitError::Differs { .. })), "{differs:?}");
}

#[tokio::test]
async fn a_name_that_no_queue_can_have_is_refused() {
    let bed = Bed::new();
    let long = "m".repeat(300);
    let refused = within(bed.broker.publish(&long, counted(1..=1))).await;
    assert_eq!(refused, Err(CallFailure::unavailable(long.as_str())));
    let refused = within(bed.broker.dead_letters(&long)).await;
    assert!(matches!(refused, Err(RabbitError::Name { .. })), "{refused:?}");
}
