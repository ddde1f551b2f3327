//! What is set aside, and how it comes back.

use rabbitmq::{RabbitError, Redriven};
use seam::EventBus;
use testing::bus_contract::{BusBed, Notebook};

use super::{
    bed::{Bed, counted},
    within,
};

#[tokio::test]
async fn what_is_no_event_holds_up_no_good_one() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    let raw = bed.raw().await;
    for poison in ["", "not json", "{}", r#"{"id": 7}"#] {
        raw.publish("reader", poison.as_bytes()).await;
    }
    within(bed.broker.publish("reader", counted(1..=3))).await.expect("a receipt");
    notebook.reached(3).await;
    assert_eq!(notebook.noted(), counted(1..=3));
    raw.until_waiting(&dead(&bed), 4).await;
    assert_eq!(within(bed.broker.dead_letters("reader")).await.expect("a number"), 4);
    assert_eq!(bed.broker.state().feeds["reader"].rejected, 4);
    raw.until_waiting(&bed.inbox("reader"), 0).await;
}

#[tokio::test]
async fn poison_among_events_that_are_held_is_set_aside_alone() {
    let bed = Bed::new();
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    notebook.fail();
    let raw = bed.raw().await;
    within(bed.broker.publish("reader", counted(1..=2))).await.expect("a receipt");
    raw.publish("reader", b"poison").await;
    within(bed.broker.publish("reader", counted(3..=4))).await.expect("a receipt");
    raw.until_waiting(&dead(&bed), 1).await;
    notebook.heal();
    notebook.reached(4).await;
    assert_eq!(notebook.noted(), counted(1..=4));
    assert_eq!(within(bed.broker.dead_letters("reader")).await.expect("a number"), 1);
}

#[tokio::test]
async fn dead_letters_go_back_when_an_operator_says_so() {
    let bed = Bed::new();
    bed.start("reader", Notebook::new()).await;
    bed.stop("reader").await;
    within(bed.broker.publish("reader", counted(1..=3))).await.expect("a receipt");
    let raw = bed.raw().await;
    for _ in 0..3 {
        raw.reject_first(&bed.inbox("reader")).await;
    }
    raw.until_waiting(&dead(&bed), 3).await;

    let redriven = within(bed.broker.redrive("reader", 2)).await.expect("moved");
    assert_eq!(redriven, Redriven { moved: 2, left: 1 });
    let redriven = within(bed.broker.redrive("reader", 100)).await.expect("moved");
    assert_eq!(redriven, Redriven { moved: 1, left: 0 });
    let redriven = within(bed.broker.redrive("reader", 100)).await.expect("moved");
    assert_eq!(redriven, Redriven { moved: 0, left: 0 });
    let notebook = Notebook::new();
    bed.start("reader", notebook.clone()).await;
    notebook.reached(3).await;
    assert_eq!(notebook.noted(), counted(1..=3), "the oldest first");
}

#[tokio::test]
async fn what_is_set_aside_again_is_not_moved_for_ever() {
    let bed = Bed::new();
    bed.start("reader", Notebook::new()).await;
    let raw = bed.raw().await;
    raw.publish("reader", b"poison").await;
    raw.until_waiting(&dead(&bed), 1).await;
    let redriven = within(bed.broker.redrive("reader", u32::MAX)).await.expect("moved");
    assert_eq!(redriven, Redriven { moved: 1, left: 0 });
    raw.until_waiting(&dead(&bed), 1).await;
    let letter = raw.take(&dead(&bed)).await.expect("the letter");
    assert_eq!(letter.data, b"poison");
}

#[tokio::test]
async fn dead_letters_stay_where_their_queue_is_gone() {
    let bed = Bed::new();
    bed.start("reader", Notebook::new()).await;
    bed.stop("reader").await;
    within(bed.broker.publish("reader", counted(1..=1))).await.expect("a receipt");
    let raw = bed.raw().await;
    raw.reject_first(&bed.inbox("reader")).await;
    raw.until_waiting(&dead(&bed), 1).await;
    raw.delete_queue(&bed.inbox("reader")).await;
    let failed = within(bed.broker.redrive("reader", 1)).await;
    assert!(matches!(failed, Err(RabbitError::NotTaken)), "{failed:?}");
    // The broker confirms no return: until it has done it, the letter lies in nobody's hands.
    raw.until_waiting(&dead(&bed), 1).await;
    assert_eq!(within(bed.broker.dead_letters("reader")).await.expect("a number"), 1);
}

#[tokio::test]
async fn a_module_that_never_consumed_has_no_dead_letters_to_count() {
    let bed = Bed::new();
    let unknown = within(bed.broker.dead_letters("archive")).await;
    assert!(matches!(unknown, Err(RabbitError::NoQueue { .. })), "{unknown:?}");
}

fn dead(bed: &Bed) -> String {
    format!("{}.reader.dead", bed.prefix)
}
