//! Spans become parts of traces.

use std::sync::{Arc, Mutex};

use kernel::TraceContext;
use telemetry::{
    Entry, Failed, FinishedSpan, Kind, Parent, Rate, TraceLayer, TraceSettings, TraceSink, Value,
    entry, here, position,
};
use tracing::{Span, field, subscriber::with_default};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const ELSEWHERE: TraceContext =
    TraceContext { trace_id: TRACE, span_id: 0x00f0_67aa_0ba9_02b7, sampled: true };

/// Takes note of everything.
#[derive(Default)]
struct Taken(Mutex<Vec<Vec<FinishedSpan>>>);

impl TraceSink for Taken {
    fn take(&self, part: Vec<FinishedSpan>) {
        self.0.lock().expect("nobody panicked").push(part);
    }
}

impl Taken {
    fn parts(&self) -> Vec<Vec<FinishedSpan>> {
        self.0.lock().expect("nobody panicked").clone()
    }

    /// All spans, the last to end at the end.
    fn spans(&self) -> Vec<FinishedSpan> {
        self.parts().concat()
    }
}

/// What was taken of `work`, and the layer that it was done under.
fn traced(rate: f64, failed: Failed, work: impl FnOnce()) -> (Arc<Taken>, TraceLayer) {
    let taken = Arc::new(Taken::default());
    let rate = Rate::new(rate).expect("a share");
    let layer = TraceLayer::new(TraceSettings { rate, failed, sinks: vec![taken.clone()] });
    with_default(tracing_subscriber::registry().with(layer.filtered()), work);
    (taken, layer)
}

fn request(begins: Entry) -> Span {
    entry(begins, || {
        tracing::info_span!(
            "request",
            otel.kind = "server",
            otel.name = field::Empty,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    })
}

fn statement() -> Span {
    tracing::debug_span!("SELECT plans", otel.kind = "client", db.system.name = "sqlite")
}

#[test]
fn a_part_is_taken_as_a_whole_when_its_first_span_ends() {
    let (taken, _) = traced(1.0, Failed::Kept, || {
        let request = request(Entry::Continues(ELSEWHERE));
        request.in_scope(|| {
            statement().in_scope(|| {});
            request.record("otel.name", "GET /v1/billing/plans");
            request.record("http.response.status_code", 200);
        });
    });
    let parts = taken.parts();
    let [spans] = &parts[..] else { panic!("one part: {parts:?}") };
    let [statement, request] = &spans[..] else { panic!("two spans: {spans:?}") };
    assert_eq!((&*request.name, request.kind), ("GET /v1/billing/plans", Kind::Server));
    assert_eq!(request.parent, Some(Parent { span_id: ELSEWHERE.span_id, is_remote: true }));
    assert_eq!(request.attribute("http.response.status_code"), Some(&Value::Int(200)));
    assert_eq!(request.attribute("otel.name"), None, "it is the name");
    assert_eq!((&*statement.name, statement.kind), ("SELECT plans", Kind::Client));
    assert_eq!(statement.parent, Some(Parent { span_id: request.span_id, is_remote: false }));
    assert!(spans.iter().all(|span| span.trace_id == TRACE && span.sampled));
    assert!(request.began <= statement.began && request.took >= statement.took);
}

#[test]
fn what_is_in_no_trace_begins_none() {
    let (taken, layer) = traced(1.0, Failed::Kept, || {
        statement().in_scope(|| assert_eq!(here(), None));
        tracing::info_span!("for the log").in_scope(|| assert_eq!(here(), None));
    });
    assert_eq!(taken.parts(), Vec::<Vec<FinishedSpan>>::new());
    assert_eq!(layer.figures().forgotten, 0);
}

#[test]
fn other_programs_are_told_of_the_innermost_span() {
    let (taken, _) = traced(1.0, Failed::Kept, || {
        let request = request(Entry::Begins(TRACE));
        let outer = position(&request).expect("a position");
        assert_eq!((outer.trace_id, outer.sampled), (TRACE, true));
        request.in_scope(|| {
            assert_eq!(here(), Some(outer));
            tracing::info_span!("for the log").in_scope(|| {
                assert_eq!(here(), Some(outer));
                statement().in_scope(|| assert_ne!(here(), Some(outer)));
            });
        });
    });
    let spans = taken.spans();
    assert_eq!(spans[0].parent.map(|parent| parent.span_id), Some(spans[1].span_id));
    assert_eq!(spans[1].parent, None);
}

#[test]
fn an_entry_leaves_the_trace_that_it_is_made_in() {
    let (taken, _) = traced(1.0, Failed::Kept, || {
        request(Entry::Begins(1)).in_scope(|| {
            request(Entry::Begins(2)).in_scope(|| statement().in_scope(|| {}));
            statement().in_scope(|| {});
        });
    });
    let traces: Vec<u128> = taken.spans().iter().map(|span| span.trace_id).collect();
    assert_eq!(traces, [2, 2, 1, 1]);
}

#[test]
fn what_is_not_sampled_is_kept_if_it_fails() {
    let work = || {
        for error in [None, Some("timeout")] {
            let request = request(Entry::Begins(TRACE));
            request.in_scope(|| {
                assert!(!here().expect("a position").sampled);
                statement().in_scope(|| {});
                tracing::warn!(attempt = 3, "slow");
            });
            if let Some(error) = error {
                request.record("error.type", error);
            }
        }
    };
    let (taken, layer) = traced(0.0, Failed::Kept, work);
    let spans = taken.spans();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let failed = &spans[1];
    assert_eq!(failed.error(), Some(&Value::Text("timeout".to_owned())));
    let [note] = &failed.notes[..] else { panic!("one note: {failed:?}") };
    assert_eq!((note.level, &*note.message), ("WARN", "slow"));
    assert_eq!(note.fields, [("attempt", Value::Int(3))]);
    assert_eq!((layer.figures().kept, layer.figures().forgotten), (1, 1));

    let (taken, _) = traced(0.0, Failed::Forgotten, work);
    assert_eq!(taken.spans().len(), 0);
}

#[test]
fn who_began_a_trace_decides_whether_it_is_kept() {
    for (rate, sampled) in [(0.0, true), (1.0, false)] {
        let (taken, _) = traced(rate, Failed::Kept, || {
            let from = TraceContext { sampled, ..ELSEWHERE };
            request(Entry::Continues(from)).in_scope(|| {
                assert_eq!(here().map(|here| here.sampled), Some(sampled));
            });
        });
        assert_eq!(taken.spans().len(), usize::from(sampled));
    }
}

#[test]
fn what_goes_on_in_the_background_is_not_lost() {
    let (taken, _) = traced(1.0, Failed::Kept, || {
        let request = request(Entry::Begins(TRACE));
        let late = request.in_scope(statement);
        drop(request);
        late.in_scope(|| {});
    });
    let names: Vec<_> = taken.spans().iter().map(|span| span.name.clone()).collect();
    assert_eq!(names, ["SELECT plans", "request"]);
}

#[test]
fn a_loop_within_a_request_does_not_fill_the_memory() {
    let (taken, layer) = traced(1.0, Failed::Kept, || {
        request(Entry::Begins(TRACE)).in_scope(|| {
            for _ in 0..1_500 {
                statement().in_scope(|| {});
            }
        });
    });
    assert_eq!(taken.spans().len(), 501);
    assert_eq!(layer.figures().left_out, 1_000);
}

#[test]
fn without_anybody_to_take_it_a_trace_still_goes_on() {
    let layer =
        TraceLayer::new(TraceSettings { rate: Rate::ALL, failed: Failed::Kept, sinks: Vec::new() });
    with_default(tracing_subscriber::registry().with(layer.filtered()), || {
        request(Entry::Continues(ELSEWHERE)).in_scope(|| {
            let here = here().expect("a position");
            assert_eq!(here.trace_id, TRACE);
            assert_ne!(here.span_id, ELSEWHERE.span_id);
        });
    });
}

#[test]
fn a_flood_of_failures_is_not_kept_as_a_whole() {
    let (taken, layer) = traced(0.0, Failed::Kept, || {
        for _ in 0..500 {
            request(Entry::Begins(TRACE)).record("error.type", "unavailable");
        }
    });
    let kept = taken.parts().len() as u64;
    // Fifty in each second that it took.
    assert!((50..500).contains(&kept), "{kept}");
    assert_eq!((layer.figures().kept, layer.figures().forgotten), (kept, 500 - kept));
}

#[test]
fn what_is_not_recorded_is_counted_too() {
    let (taken, layer) = traced(0.0, Failed::Forgotten, || {
        request(Entry::Begins(TRACE)).in_scope(|| statement().in_scope(|| {}));
    });
    assert_eq!(taken.spans(), []);
    assert_eq!(layer.figures().forgotten, 1);
}

#[test]
fn who_only_asks_whether_to_log_loses_no_span() {
    let taken = Arc::new(Taken::default());
    let layer = TraceLayer::new(TraceSettings {
        rate: Rate::ALL,
        failed: Failed::Kept,
        sinks: vec![taken.clone()],
    });
    // A log, which wants other spans as well.
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let log = log.with_filter(LevelFilter::INFO);
    with_default(tracing_subscriber::registry().with(layer.filtered()).with(log), || {
        let for_the_log = tracing::info_span!("for the log");
        let metadata = for_the_log.metadata().expect("what it is");
        // As the `log` crate does for each of its records.
        tracing::dispatcher::get_default(|dispatch| dispatch.enabled(metadata));
        request(Entry::Begins(TRACE)).in_scope(|| {});
    });
    assert_eq!(taken.spans().len(), 1);
}
