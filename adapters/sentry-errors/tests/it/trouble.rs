//! Nobody waits for a tracker that takes nothing, and it is said once.

use std::time::Duration;

use telemetry::{errors::ErrorTracker, metrics::testing::Gathered};
use tokio::{net::TcpListener, task::spawn_blocking};
use wiremock::ResponseTemplate;

use sentry_errors::QUEUE;

use crate::support::{FOR_EVER, LONG, Log, Tracker, connected, dropped, dsn, ended, report};

/// For what never comes: it is over at some time, on however slow a machine.
const SHORT: Duration = Duration::from_millis(50);

/// A port that says nothing to those who connect.
async fn silent() -> (TcpListener, String) {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let dsn = dsn(&silent.local_addr().expect("its address").to_string());
    (silent, dsn)
}

/// Tells a fault to a tracker that does nothing with it before `answer`: by then nobody waits. It is
/// lost for `reason`, and one that comes up after the tracker's end for want of room.
async fn check_lost(
    gathered: &Gathered,
    (dsn, patience): (&str, Duration),
    reason: &str,
    answer: impl FnOnce(),
) {
    let tracker = connected(dsn, patience);
    let before = dropped(gathered, reason).expect("it begins with 0");
    let without_room = dropped(gathered, "no_room").expect("it begins with 0");
    tracker.report(report());
    answer();
    ended(&tracker).await;
    assert_eq!(dropped(gathered, reason), Some(before + 1), "{dsn}");
    tracker.report(report());
    assert_eq!(dropped(gathered, "no_room"), Some(without_room + 1), "{dsn}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_come_to_the_tracker_is_counted_by_its_reason() {
    let gathered = Gathered::begin();
    for (status, reason) in [
        (400, "refused"),
        (401, "refused"),
        (413, "refused"),
        (429, "limited"),
        (500, "unreachable"),
        (503, "unreachable"),
    ] {
        let server = Tracker::closed(vec![ResponseTemplate::new(status)]).await;
        check_lost(&gathered, (&server.dsn(), LONG), reason, || server.open()).await;
    }
    let (gone, gone_dsn) = silent().await;
    drop(gone);
    check_lost(&gathered, (&gone_dsn, LONG), "unreachable", || {}).await;
    let (_silent, silent_dsn) = silent().await;
    check_lost(&gathered, (&silent_dsn, SHORT), "unreachable", || {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_wait_for_the_tracker_and_no_more() {
    let gathered = Gathered::begin();
    let (_silent, dsn) = silent().await;
    let tracker = connected(&dsn, FOR_EVER);
    for _ in 0..3 * QUEUE {
        tracker.report(report());
    }
    let dropped = dropped(&gathered, "no_room").expect("counted");
    // One may be on its way.
    assert!((2 * QUEUE as u64 - 1..=2 * QUEUE as u64).contains(&dropped), "{dropped}");
}

/// Nothing but its own bound ends it: the tracker never answers, and may take for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_program_does_not_wait_longer_than_it_may() {
    let (_silent, dsn) = silent().await;
    let tracker = connected(&dsn, FOR_EVER);
    for _ in 0..QUEUE {
        tracker.report(report());
    }
    spawn_blocking(move || tracker.shut_down(SHORT)).await.expect("an end");
}

/// On one thread, so that its log is the test's.
#[tokio::test]
async fn an_outage_is_one_line_when_it_begins_and_one_when_it_ends() {
    let log = Log::default();
    let _listening = log.listen();
    let [down, up] = [503, 200].map(ResponseTemplate::new);
    let server = Tracker::answering(vec![down.clone(), down.clone(), down, up]).await;
    let tracker = connected(&server.dsn(), LONG);
    for _ in 0..6 {
        tracker.report(report());
    }
    ended(&tracker).await;
    assert_eq!(server.requests().await.len(), 6);
    let lines = log.lines();
    assert!(lines.iter().all(|line| !line.contains("the-public-key")), "{lines:#?}");
    let [begun, over] = &lines[..] else { panic!("two lines: {lines:#?}") };
    assert!(begun.contains("WARN") && begun.contains("answered 503"), "{begun}");
    assert!(over.contains("INFO") && over.contains("takes reports again"), "{over}");
}
