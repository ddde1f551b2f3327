//! Connections that break.

use std::sync::Arc;

use kernel::Envelope;
use seam::EventBus;
use testing::bus_contract::{BusBed, Notebook};

use super::{
    bed::{Bed, counted},
    proxy::Proxy,
    until, within,
};

/// Publishes as a relay does, batch after batch, each until it is taken.
async fn publish_all(bed: &Bed, batches: Vec<Vec<Envelope>>) {
    let broker = Arc::clone(&bed.broker);
    let mut pause = tokio::time::interval(super::LOOK);
    within(async {
        for mut left in batches {
            while !left.is_empty() {
                pause.tick().await;
                if let Ok(receipt) = broker.publish("reader", left.clone()).await {
                    left.retain(|envelope| !receipt.taken.contains(&envelope.id));
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_however_often_the_connections_break() {
    let proxy = Proxy::to_the_broker().await;
    let bed = Bed::with(|config| config.url = proxy.url());
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    let sent = counted(1..=500);
    let batches = sent.chunks(25).map(<[Envelope]>::to_vec).collect();
    let cutting = async {
        for round in 1..=5 {
            notebook.reached(round * 50).await;
            proxy.cut();
            until(|| (!bed.is_consuming("reader")).then_some(())).await;
            proxy.open();
        }
    };
    tokio::join!(publish_all(&bed, batches), cutting);
    notebook.reached(sent.len()).await;
    assert_eq!(notebook.distinct(), sent, "in order, too");
    let raw = bed.raw().await;
    raw.until_waiting(&bed.inbox("reader"), 0).await;
    assert_eq!(within(bed.broker.dead_letters("reader")).await.expect("a number"), 0);
}

#[tokio::test]
async fn a_feed_starts_before_its_broker_does() {
    let proxy = Proxy::to_the_broker().await;
    proxy.cut();
    let bed = Bed::with(|config| config.url = proxy.url());
    let notebook = Notebook::new();
    bed.begin("reader", notebook.clone());
    let trouble = || bed.broker.state().feeds["reader"].trouble.clone();
    until(|| trouble().filter(|trouble| trouble.contains("RabbitMQ"))).await;
    proxy.open();
    until(|| bed.is_consuming("reader").then_some(())).await;
    assert_eq!(trouble(), None);
    publish_all(&bed, vec![counted(1..=3)]).await;
    notebook.reached(3).await;
}

#[tokio::test]
async fn a_feed_that_waits_for_its_broker_can_be_stopped() {
    let proxy = Proxy::to_the_broker().await;
    proxy.cut();
    let bed = Bed::with(|config| config.url = proxy.url());
    bed.begin("reader", Notebook::new());
    until(|| bed.broker.state().feeds["reader"].trouble.clone()).await;
    bed.stop("reader").await;
    assert!(!bed.is_consuming("reader"));
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_declared_again() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    bed.raw().await.delete_queue(&bed.inbox("reader")).await;
    publish_all(&bed, vec![counted(1..=3)]).await;
    notebook.reached(3).await;
}

#[tokio::test]
async fn an_exchange_that_is_deleted_is_declared_again() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    publish_all(&bed, vec![counted(1..=1)]).await;
    notebook.reached(1).await;
    bed.raw().await.delete_exchange(&format!("{}.events", bed.prefix)).await;
    // The publisher declares the exchange; the binding of the queue is its module's, at the next
    // start.
    let failed = within(bed.broker.publish("reader", counted(2..=2))).await;
    assert!(failed.is_err(), "{failed:?}");
    bed.stop("reader").await;
    bed.start("reader", notebook.clone()).await;
    publish_all(&bed, vec![counted(2..=2)]).await;
    notebook.reached(2).await;
}
