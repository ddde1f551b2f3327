use super::*;

fn done(second: u64, millis: u64) -> Sample {
    let service = Duration::from_millis(millis);
    let fate = Fate::Sent { late: Duration::ZERO, service, failure: None, bytes: 100 };
    Sample { operation: "GET /a", intended: Duration::from_secs(second), fate }
}

fn failed(failure: Failure) -> Sample {
    let zero = Duration::ZERO;
    let fate = Fate::Sent { late: zero, service: zero, failure: Some(failure), bytes: 100 };
    Sample { fate, ..done(1, 0) }
}

fn recorder(seconds: u64) -> Recorder {
    let end = Duration::from_secs(1 + seconds);
    Recorder::new(Duration::from_secs(1)..end, Duration::from_secs(10))
}

#[test]
fn what_is_meant_to_start_outside_of_the_window_is_not_counted() {
    let mut recorder = recorder(2);
    (0..4).for_each(|second| recorder.record(&done(second, 5)));
    let measured = recorder.finish().expect("histograms");
    assert_eq!(measured.operations["GET /a"].intended, 2);
    assert_eq!(measured.timeline.iter().map(|it| it.done).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(measured.timeline[0].max, 5_000);
}

#[test]
fn what_is_done_is_counted_by_its_end_and_by_its_intended_start() {
    let mut recorder = recorder(2);
    // Meant before and done meanwhile; meant and done meanwhile; meant meanwhile and done after.
    [done(0, 1_500), done(1, 5), done(2, 1_500)].iter().for_each(|it| recorder.record(it));
    let measured = recorder.finish().expect("histograms");
    let operation = &measured.operations["GET /a"];
    assert_eq!((operation.intended, operation.done, operation.finished), (2, 2, 2));
    assert_eq!(measured.timeline.iter().map(|it| it.done).sum::<u64>(), 2);
}

#[test]
fn failures_are_counted_by_kind_and_have_no_latency() {
    let mut recorder = recorder(1);
    let failures = [Failure::Status(503), Failure::Status(503), Failure::Timeout, Failure::Reset];
    failures.into_iter().for_each(|failure| recorder.record(&failed(failure)));
    recorder.record(&Sample { fate: Fate::Dropped, ..done(1, 0) });
    recorder.record(&done(1, 7));
    let measured = recorder.finish().expect("histograms");
    let operation = &measured.operations["GET /a"];
    let kinds = [("503", 2), ("reset", 1), ("timeout", 1)];
    assert_eq!(operation.failed, kinds.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!((operation.intended, operation.done, operation.dropped), (6, 1, 1));
    assert_eq!(operation.bytes, 500);
    assert_eq!((measured.timeline[0].offered, measured.timeline[0].failed), (6, 5));
}

#[test]
fn latency_begins_where_it_was_meant_to() {
    let mut recorder = recorder(1);
    let (late, service) = (Duration::from_millis(900), Duration::from_millis(100));
    let fate = Fate::Sent { late, service, failure: None, bytes: 0 };
    recorder.record(&Sample { fate, ..done(1, 0) });
    let measured = recorder.finish().expect("histograms");
    let written = &measured.operations["GET /a"];
    let value = |text: &str| decode(text).expect("a histogram").max();
    assert!((999_000..=1_001_000).contains(&value(&written.latency)));
    assert!((99_900..=100_100).contains(&value(&written.service)));
}

#[test]
fn an_hour_needs_no_more_histograms_than_a_minute() {
    let mut recorder = recorder(3_600);
    let mut most = 0;
    for second in 1..=3_600 {
        (0..10).for_each(|_| recorder.record(&done(second, second % 900)));
        most = most.max(recorder.histograms());
    }
    // Lateness, two of the one operation, and those of ten seconds of patience and a margin.
    assert_eq!(most, 1 + 2 + 13);
    let measured = recorder.finish().expect("histograms");
    assert_eq!(measured.timeline.len(), 3_600);
    assert!(measured.timeline.iter().all(|second| second.done == 10 && second.p50 <= second.max));
}

#[test]
fn a_shard_keeps_what_it_was_given() {
    let recorder = Arc::new(Mutex::new(recorder(1)));
    let shard = Shard::of(&recorder);
    (0..=FULL).for_each(|_| shard.record(done(1, 1)));
    assert_eq!(lock(&shard.samples).len(), 1, "a full shard has handed on");
    shard.hand_on();
    drop(shard);
    let recorder = Arc::into_inner(recorder).expect("no shard").into_inner();
    let measured = recorder.expect("nobody panicked").finish().expect("histograms");
    assert_eq!(measured.operations["GET /a"].done, FULL as u64 + 1);
}
