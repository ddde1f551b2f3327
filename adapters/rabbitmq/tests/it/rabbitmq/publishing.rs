//! What a publisher is told, and what goes to the broker.

use std::{sync::Arc, time::Duration};

use kernel::Envelope;
use lapin::types::{AMQPValue, ShortString};
use rabbitmq::{LinkState, RabbitBroker};
use seam::{CallFailure, EventBus};
use testing::bus_contract::{BusBed, Notebook};

use super::{
    bed::{Bed, config, counted, envelope, new_prefix, occurred_at},
    proxy::Proxy,
    until, within,
};

#[tokio::test]
async fn what_cannot_be_routed_is_not_taken_and_alarms_until_it_can() {
    let bed = Bed::new();
    for round in 1..=2 {
        let published = within(bed.broker.publish("reader", counted(1..=3))).await;
        assert_eq!(published, Err(CallFailure::unavailable("reader")));
        let state = bed.broker.state();
        assert_eq!(
            (state.unroutable, state.unroutable_now),
            (3 * round, vec!["reader".to_owned()])
        );
    }
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    let receipt = within(bed.broker.publish("reader", counted(1..=3))).await.expect("a receipt");
    assert_eq!(receipt.taken.len(), 3);
    notebook.reached(3).await;
    let state = bed.broker.state();
    assert_eq!((state.unroutable, state.unroutable_now), (6, vec![]));
}

#[tokio::test]
async fn a_module_that_was_up_once_gets_what_came_while_it_was_down() {
    let bed = Bed::new();
    bed.start("reader", Notebook::new()).await;
    bed.stop("reader").await;
    let receipt = within(bed.broker.publish("reader", counted(1..=250))).await.expect("a receipt");
    assert_eq!(receipt.taken.len(), 250);
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    notebook.reached(250).await;
    assert_eq!(notebook.noted(), counted(1..=250));
}

#[tokio::test]
async fn nothing_is_taken_before_the_broker_confirms() {
    let proxy = Proxy::to_the_broker().await;
    let bed = Bed::with(|config| {
        config.url = proxy.url();
        config.confirm_time = Duration::from_millis(300);
    });
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    within(bed.broker.publish("reader", counted(1..=1))).await.expect("an open way");
    proxy.deafen();
    let unheard = within(bed.broker.publish("reader", counted(2..=4))).await;
    assert_eq!(unheard, Err(CallFailure::outcome_unknown("reader")));
    proxy.open();
    // It was taken after all, and sending it again does no harm.
    notebook.reached(4).await;
    let receipt = within(bed.broker.publish("reader", counted(2..=4))).await.expect("a receipt");
    assert_eq!(receipt.taken.len(), 3);
}

#[tokio::test]
async fn a_broker_that_is_away_is_unavailable_at_once() {
    let proxy = Proxy::to_the_broker().await;
    let bed = Bed::with(|config| config.url = proxy.url());
    proxy.cut();
    for _ in 0..20 {
        let refused = within(bed.broker.publish("reader", counted(1..=1))).await;
        assert_eq!(refused, Err(CallFailure::unavailable("reader")));
    }
    let LinkState::Down { failures } = bed.broker.state().publishing else { panic!("it is up") };
    assert!(failures > 0);
}

#[tokio::test]
async fn a_blocked_connection_takes_nothing_until_it_is_unblocked() {
    // Frames of methods 60 and 61 of class 10, AMQP 0-9-1 as RabbitMQ extends it.
    const BLOCKED: &[u8] = b"\x01\x00\x00\x00\x00\x00\x08\x00\x0a\x00\x3c\x03low\xce";
    const UNBLOCKED: &[u8] = b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x3d\xce";
    let proxy = Proxy::to_the_broker().await;
    let bed = Bed::with(|config| config.url = proxy.url());
    bed.start("reader", Notebook::new()).await;
    within(bed.broker.publish("reader", counted(1..=1))).await.expect("a receipt");
    proxy.say(BLOCKED);
    until(|| (bed.broker.state().publishing == LinkState::Blocked).then_some(())).await;
    let refused = within(bed.broker.publish("reader", counted(2..=2))).await;
    assert_eq!(refused, Err(CallFailure::unavailable("reader")));
    proxy.say(UNBLOCKED);
    until(|| (bed.broker.state().publishing == LinkState::Up).then_some(())).await;
    within(bed.broker.publish("reader", counted(2..=2))).await.expect("a receipt");
}

#[tokio::test]
async fn an_outage_while_a_batch_is_out_is_an_unknown_outcome() {
    let proxy = Proxy::to_the_broker().await;
    let bed = Bed::with(|config| config.url = proxy.url());
    let reader = bed.another();
    let notebook = Notebook::new();
    reader.start("reader", notebook.clone()).await;
    within(bed.broker.publish("reader", counted(1..=1))).await.expect("an open way");
    proxy.deafen();
    let broker = Arc::clone(&bed.broker);
    let publisher = tokio::spawn(async move { broker.publish("reader", counted(2..=4)).await });
    // It was taken and delivered, and the confirm is on its way for ever.
    notebook.reached(4).await;
    proxy.cut();
    let lost = within(publisher).await.expect("a publisher that is done");
    assert_eq!(lost, Err(CallFailure::outcome_unknown("reader")));
    proxy.open();
    let taken = until_taken(&bed, counted(2..=4)).await;
    assert_eq!(taken, 3);
    assert_eq!(notebook.distinct().len(), 4, "sending again adds nothing new");
}

async fn until_taken(bed: &Bed, envelopes: Vec<Envelope>) -> usize {
    let mut pause = tokio::time::interval(super::LOOK);
    within(async {
        loop {
            pause.tick().await;
            if let Ok(receipt) = bed.broker.publish("reader", envelopes.clone()).await {
                break receipt.taken.len();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_message_says_what_it_is_to_whoever_looks() {
    let bed = Bed::new();
    bed.start("reader", Notebook::new()).await;
    bed.stop("reader").await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = Envelope { traceparent: Some(traceparent.to_owned()), ..envelope(1, 2) };
    within(bed.broker.publish("reader", vec![sent.clone()])).await.expect("a receipt");

    let message = bed.raw().await.take(&bed.inbox("reader")).await.expect("a message");
    let properties = &message.properties;
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
    assert_eq!(text(properties.message_id()), Some(sent.id.to_string()));
    assert_eq!(text(properties.kind()).as_deref(), Some("counter.counted"));
    assert_eq!(text(properties.app_id()).as_deref(), Some("counter"));
    assert_eq!(text(properties.content_type()).as_deref(), Some("application/json"));
    assert_eq!(*properties.delivery_mode(), Some(2), "persistent");
    let seconds = u64::try_from(occurred_at().unix_seconds()).expect("after 1970");
    assert_eq!(*properties.timestamp(), Some(seconds));
    let headers = properties.headers().as_ref().expect("headers").inner().clone();
    let header = |name: &str| match &headers[name] {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(header("tenant"), sent.tenant.expect("a tenant").to_string());
    assert_eq!(header("traceparent"), traceparent);
    assert_eq!(header("version"), "1");
    assert_eq!(header("ordering_key"), sent.aggregate.ordering_key());
    let body: Envelope = serde_json::from_slice(&message.data).expect("an envelope");
    assert_eq!(body, sent);
}

/// A web worker's runtime ends, and takes along what it made.
#[tokio::test]
async fn a_publisher_may_be_on_any_runtime() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    for n in 1..=3 {
        let broker = Arc::clone(&bed.broker);
        let elsewhere = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let publishing = broker.publish("reader", counted(n..=n));
            runtime.expect("a runtime").block_on(publishing)
        });
        let published = tokio::task::spawn_blocking(|| elsewhere.join()).await;
        published.expect("a thread").expect("no panic").expect("a receipt");
    }
    notebook.reached(3).await;
    assert_eq!(notebook.noted(), counted(1..=3));
}

#[tokio::test]
async fn nothing_listens_there_and_nothing_is_waited_for() {
    let mut config = config(&new_prefix());
    config.url = kernel::Secret::new("amqp://guest:hunter2@127.0.0.1:1/%2f");
    let broker = RabbitBroker::new(config, tokio::runtime::Handle::current());
    let broker = broker.expect("no broker is needed yet");
    assert_eq!(broker.state().publishing, LinkState::Unused);
    let refused = within(broker.publish("reader", counted(1..=1))).await;
    assert_eq!(refused, Err(CallFailure::unavailable("reader")));
    assert!(!format!("{broker:?}").contains("hunter2"));
}
