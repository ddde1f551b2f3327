//! Nobody waits for a tracker that takes nothing, and it is said once.

use std::time::{Duration, Instant};

use telemetry::errors::ErrorTracker;
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use sentry_errors::QUEUE;

use crate::support::{Counted, LONG, Log, Tracker, connected, dsn, ended, report};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_come_to_the_tracker_is_counted_by_its_reason() {
    let counted = Counted::begin();
    // A port that nobody listens on, and one that says nothing.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone_dsn = dsn(&gone.local_addr().expect("its address").to_string());
    drop(gone);
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent_dsn = dsn(&silent.local_addr().expect("its address").to_string());
    let mut answering = Vec::new();
    for status in [400, 401, 413, 429, 500, 503] {
        answering.push(Tracker::answering(vec![ResponseTemplate::new(status)]).await);
    }
    let reasons = ["refused", "refused", "refused", "limited", "unreachable", "unreachable"];
    let cases = answering.iter().map(Tracker::dsn).zip(reasons);
    let cases = cases.chain([(gone_dsn, "unreachable"), (silent_dsn.clone(), "unreachable")]);
    for (dsn, reason) in cases {
        let tracker = connected(&dsn, SHORT);
        let before = counted.dropped(reason).expect("it begins with 0");
        let begun = Instant::now();
        tracker.report(report());
        assert!(begun.elapsed() < SHORT, "{dsn}: {:?}", begun.elapsed());
        ended(&tracker).await;
        assert_eq!(counted.dropped(reason), Some(before + 1), "{dsn}");
        tracker.report(report());
    }
    // Those that came after the end.
    assert_eq!(counted.dropped("no_room"), Some(8));

    let tracker = connected(&silent_dsn, LONG);
    for _ in 0..3 * QUEUE {
        tracker.report(report());
    }
    let dropped = counted.dropped("no_room").expect("counted") - 8;
    // One may be on its way.
    assert!((2 * QUEUE as u64 - 1..=2 * QUEUE as u64).contains(&dropped), "{dropped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_program_does_not_wait_longer_than_it_may() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tracker = connected(&dsn(&silent.local_addr().expect("its address").to_string()), LONG);
    for _ in 0..QUEUE {
        tracker.report(report());
    }
    let begun = Instant::now();
    tokio::task::spawn_blocking(move || tracker.shut_down(SHORT)).await.expect("an end");
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
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
