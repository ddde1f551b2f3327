//! The last traces, in memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use telemetry::{FinishedSpan, Kind, TraceSink, Value};

/// A request that took so long is marked.
pub(super) const SLOW: Duration = Duration::from_millis(500);

/// Routes of those who look at the program, the dashboard's own among them. Every two seconds they
/// would push out one trace of the product.
const LOOKS: [&str; 9] = [
    "/dashboard",
    "/docs",
    "/health",
    "/metrics",
    "/openapi.json",
    "/ops",
    "/sandbox",
    "/verify-email",
    "/accept-invitation",
];

/// Keeps the last traces that this program had a part in. A text in a span has at most a kilobyte
/// (the `telemetry` crate sees to that), so that all of it is some tens of megabytes at the worst.
#[derive(Debug, Default)]
pub struct RecentTraces(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// In the order in which their first parts ended.
    traces: VecDeque<Trace>,
    spans: usize,
}

/// What is known of one trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) id: u128,
    /// In no order.
    pub(crate) spans: Vec<FinishedSpan>,
    /// Spans that there was no room for.
    pub(crate) left_out: usize,
}

/// A trace in one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) id: u128,
    /// Of the span with which it begins here.
    pub(crate) name: String,
    pub(crate) began: SystemTime,
    pub(crate) took: Duration,
    /// To the end of what came of it.
    pub(crate) whole: Duration,
    pub(crate) status: Option<i64>,
    pub(crate) failed: bool,
    pub(crate) spans: usize,
}

impl RecentTraces {
    /// Traces that are kept.
    pub const MOST_TRACES: usize = 200;
    /// Spans of all of them.
    pub const MOST_SPANS: usize = 20_000;
    /// Spans of one.
    pub const MOST_OF_ONE: usize = 2_000;

    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All of them, newest first.
    pub(crate) fn list(&self) -> Vec<Summary> {
        let mut all: Vec<Summary> = self.kept().traces.iter().filter_map(Trace::summary).collect();
        all.sort_by_key(|trace| std::cmp::Reverse(trace.began));
        all
    }

    /// The one of that id.
    pub(crate) fn find(&self, id: u128) -> Option<Trace> {
        self.kept().traces.iter().find(|trace| trace.id == id).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that is done under it can leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TraceSink for RecentTraces {
    fn take(&self, part: Vec<FinishedSpan>) {
        // The span that a part began with is the last to end.
        let Some(first) = part.last() else { return };
        if !is_a_look(first) {
            self.kept().add(first.trace_id, part);
        }
    }
}

fn is_a_look(span: &FinishedSpan) -> bool {
    let is_below = |route: &str, prefix: &str| {
        route.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match span.attribute("http.route") {
        Some(Value::Text(route)) if span.error().is_none() => {
            route == "/" || LOOKS.iter().any(|look| is_below(route, look))
        }
        _ => false,
    }
}

impl Kept {
    fn add(&mut self, id: u128, part: Vec<FinishedSpan>) {
        // Late parts are of late traces: looked for from the end.
        let position = self.traces.iter().rposition(|trace| trace.id == id);
        let position = position.unwrap_or_else(|| {
            self.traces.push_back(Trace { id, spans: Vec::new(), left_out: 0 });
            self.traces.len() - 1
        });
        let trace = &mut self.traces[position];
        let room = RecentTraces::MOST_OF_ONE.saturating_sub(trace.spans.len());
        let taken = part.len().min(room);
        trace.left_out += part.len() - taken;
        // From the end, where the span is that all others are within.
        trace.spans.extend(part.into_iter().rev().take(taken));
        self.spans += taken;
        while self.traces.len() > RecentTraces::MOST_TRACES || self.spans > RecentTraces::MOST_SPANS
        {
            let Some(oldest) = self.traces.pop_front() else { return };
            self.spans -= oldest.spans.len();
        }
    }
}

impl Trace {
    /// The span with which the trace begins here: the first of those that are part of no other.
    pub(crate) fn entry(&self) -> Option<&FinishedSpan> {
        let is_within = |span: &&FinishedSpan| {
            span.parent.is_some_and(|parent| {
                self.spans.iter().any(|other| other.span_id == parent.span_id)
            })
        };
        let mut by_time: Vec<&FinishedSpan> = self.spans.iter().collect();
        by_time.sort_by_key(|span| span.began);
        by_time.into_iter().find(|span| !is_within(span))
    }

    /// When the last of its spans ended.
    pub(crate) fn end(&self) -> Option<SystemTime> {
        self.spans.iter().map(|span| span.began + span.took).max()
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        let entry = self.entry()?;
        let whole = self.end()?.duration_since(entry.began).unwrap_or_default();
        Some(Summary {
            id: self.id,
            name: name_of(entry),
            began: entry.began,
            took: entry.took,
            whole,
            status: match entry.attribute("http.response.status_code") {
                Some(Value::Int(status)) => Some(*status),
                _ => None,
            },
            failed: self.spans.iter().any(|span| span.error().is_some()),
            spans: self.spans.len(),
        })
    }
}

/// What matched no route has only its method for a name.
fn name_of(entry: &FinishedSpan) -> String {
    let is_lost = entry.kind == Kind::Server && entry.attribute("http.route").is_none();
    if is_lost { format!("{} (no route)", entry.name) } else { entry.name.to_string() }
}

impl Summary {
    pub(crate) fn is_slow(&self) -> bool {
        self.took >= SLOW
    }
}

#[cfg(test)]
pub(super) mod tests {
    use telemetry::Parent;

    use super::*;

    /// A span of trace `trace` that begins `at` milliseconds after the epoch and takes as many.
    pub(crate) fn span(trace: u128, id: u64, parent: u64, at: u64, took: u64) -> FinishedSpan {
        FinishedSpan {
            trace_id: trace,
            span_id: id,
            parent: (parent > 0).then_some(Parent { span_id: parent, is_remote: false }),
            sampled: true,
            name: format!("span {id}").into(),
            kind: Kind::Internal,
            began: SystemTime::UNIX_EPOCH + Duration::from_millis(at),
            took: Duration::from_millis(took),
            attributes: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let recent = RecentTraces::new();
        for trace in 1..=300_u64 {
            recent.take(vec![span(trace.into(), 1, 0, trace, 1)]);
        }
        let ids: Vec<u128> = recent.list().iter().map(|trace| trace.id).collect();
        assert_eq!(ids, (101..=300).rev().collect::<Vec<u128>>());
    }

    #[test]
    fn spans_are_bounded_in_one_trace_and_in_all() {
        let recent = RecentTraces::new();
        for trace in 1..=20_u64 {
            let spans = (1..=2_500).rev().map(|id| span(trace.into(), id, id - 1, id, 1));
            recent.take(spans.collect());
        }
        let kept = recent.kept();
        assert!(kept.spans <= RecentTraces::MOST_SPANS);
        assert_eq!(kept.spans, kept.traces.iter().map(|trace| trace.spans.len()).sum::<usize>());
        let last = kept.traces.back().expect("the last one stays");
        assert_eq!((last.spans.len(), last.left_out), (RecentTraces::MOST_OF_ONE, 500));
        assert!(last.spans.iter().any(|span| span.parent.is_none()), "its first span is there");
    }

    #[test]
    fn parts_of_one_trace_come_together() {
        let recent = RecentTraces::new();
        recent.take(vec![span(7, 2, 1, 11, 5), span(7, 1, 0, 10, 20)]);
        recent.take(vec![span(8, 1, 0, 12, 1)]);
        let mut late = span(7, 3, 2, 100, 50);
        late.attributes.push(("error.type", Value::Text("permanent".to_owned())));
        recent.take(vec![late]);
        let list = recent.list();
        assert_eq!(list.iter().map(|trace| trace.id).collect::<Vec<_>>(), [8, 7]);
        let seven = &list[1];
        assert_eq!((seven.name.as_str(), seven.spans, seven.failed), ("span 1", 3, true));
        assert_eq!((seven.took.as_millis(), seven.whole.as_millis()), (20, 140));
    }

    #[test]
    fn who_only_looks_is_left_out_unless_it_fails() {
        let looked = |route: &str| {
            let mut span = span(1, 1, 0, 1, 1);
            span.attributes.push(("http.route", Value::Text(route.to_owned())));
            span
        };
        let recent = RecentTraces::new();
        for route in ["/", "/dashboard/traces/{id}", "/health/ready", "/docs/{_:.*}"] {
            recent.take(vec![looked(route)]);
        }
        assert_eq!(recent.list(), []);
        let mut failed = looked("/dashboard/events");
        failed.attributes.push(("error.type", Value::Text("500".to_owned())));
        recent.take(vec![failed]);
        recent.take(vec![FinishedSpan { trace_id: 2, ..looked("/docsy") }]);
        assert_eq!(recent.list().len(), 2);
    }
}
