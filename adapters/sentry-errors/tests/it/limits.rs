//! A tracker that asks not to be told is not.

use telemetry::errors::ErrorTracker;
use wiremock::ResponseTemplate;

use crate::support::{LONG, Tracker, connected, ended, report};

/// How many of three reports come to a tracker that answers the first of them so.
async fn sent_after(answer: ResponseTemplate) -> usize {
    let server = Tracker::answering(vec![answer, ResponseTemplate::new(200)]).await;
    let tracker = connected(&server.dsn(), LONG);
    for _ in 0..3 {
        tracker.report(report());
    }
    ended(&tracker).await;
    server.requests().await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracker_that_names_a_time_is_left_alone_for_it() {
    let answer = || ResponseTemplate::new(429);
    for (limited, sent) in [
        (answer(), 1),
        (answer().insert_header("retry-after", "3600"), 1),
        (answer().insert_header("retry-after", "0"), 3),
        (answer().insert_header("x-sentry-rate-limits", "3600:error:key"), 1),
        (answer().insert_header("x-sentry-rate-limits", "3600::organization"), 1),
        // What it has enough of we do not send.
        (answer().insert_header("x-sentry-rate-limits", "3600:transaction:key"), 3),
    ] {
        let headers = format!("{limited:?}");
        assert_eq!(sent_after(limited).await, sent, "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_may_come_with_a_report_that_is_taken() {
    let limited = ResponseTemplate::new(200);
    let limited = limited.insert_header("x-sentry-rate-limits", "3600:error;default:organization");
    assert_eq!(sent_after(limited).await, 1);
}
