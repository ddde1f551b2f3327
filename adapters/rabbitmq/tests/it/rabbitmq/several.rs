//! Several programs of one installation.

use kernel::EventId;
use seam::EventBus;
use testing::bus_contract::{BusBed, Notebook};

use super::{
    bed::{Bed, counted},
    within,
};

#[tokio::test]
async fn replicas_share_the_work() {
    let bed = Bed::with(|config| config.prefetch = 5);
    let other = bed.another();
    let (one, two) = (Notebook::new(), Notebook::new());
    bed.start("reader", one.clone()).await;
    other.start("reader", two.clone()).await;
    within(bed.broker.publish("reader", counted(1..=300))).await.expect("a receipt");
    within(async {
        while one.noted().len() + two.noted().len() < 300 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut ids: Vec<EventId> =
        one.noted().iter().chain(&two.noted()).map(|envelope| envelope.id).collect();
    ids.sort_unstable();
    let sent: Vec<EventId> = counted(1..=300).iter().map(|envelope| envelope.id).collect();
    assert_eq!(ids, sent, "each once");
    assert!(!one.noted().is_empty() && !two.noted().is_empty());
}

#[tokio::test]
async fn another_replica_takes_over_what_one_holds() {
    let bed = Bed::with(|config| config.prefetch = 5);
    let other = bed.another();
    let (failing, healthy) = (Notebook::new(), Notebook::new());
    failing.fail();
    bed.start("reader", failing.clone()).await;
    within(bed.broker.publish("reader", counted(1..=20))).await.expect("a receipt");
    failing.asked(1).await;
    other.start("reader", healthy.clone()).await;
    // What the one has in hand it keeps for as long as it is there.
    healthy.reached(15).await;
    bed.stop("reader").await;
    healthy.reached(20).await;
}

#[tokio::test]
async fn installations_with_another_prefix_do_not_meet() {
    let (here, there) = (Bed::new(), Bed::new());
    let (ours, theirs) = (Notebook::new(), Notebook::new());
    here.start("reader", ours.clone()).await;
    there.start("reader", theirs.clone()).await;
    within(here.broker.publish("reader", counted(1..=3))).await.expect("a receipt");
    ours.reached(3).await;
    assert_eq!(theirs.noted(), []);
}
