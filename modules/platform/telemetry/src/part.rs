//! A program's part of one trace, until it is known what becomes of it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use crate::{FinishedSpan, TraceSink};

/// Of a part with more spans the rest is left out: a loop in one request is not to fill the memory.
const MOST_OF_A_PART: usize = 500;

/// Spans of all unfinished parts together: some ten MB, of which SQL is the most.
const MOST_HELD: usize = 10_000;

/// Parts that are kept in one second because they failed. Under overload thousands do, and all for
/// the same reason.
const MOST_FAILED: u32 = 50;

/// What all parts of a program have in common.
pub(crate) struct Parts {
    sinks: Vec<Arc<dyn TraceSink>>,
    held: AtomicUsize,
    failed: Mutex<Failures>,
    kept: AtomicU64,
    forgotten: AtomicU64,
    left_out: AtomicU64,
}

/// How many were kept for having failed in the second that has begun.
struct Failures {
    since: Instant,
    kept: u32,
}

/// Counted since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Parts of traces that were kept: a share of all, and those that failed.
    pub kept: u64,
    /// Parts that were not, those among them that failed when too many did.
    pub forgotten: u64,
    /// Spans that were left out, since there were too many in one part or in all.
    pub left_out: u64,
}

/// The spans of one trace that ended in this process.
pub(crate) struct Part {
    pub(crate) trace_id: u128,
    pub(crate) sampled: bool,
    came: (SystemTime, Instant),
    ended: Mutex<Vec<FinishedSpan>>,
    is_faulty: AtomicBool,
    all: Arc<Parts>,
}

impl Parts {
    pub(crate) fn new(sinks: Vec<Arc<dyn TraceSink>>) -> Self {
        let count = || AtomicU64::new(0);
        Self {
            sinks,
            held: AtomicUsize::new(0),
            failed: Mutex::new(Failures { since: Instant::now(), kept: 0 }),
            kept: count(),
            forgotten: count(),
            left_out: count(),
        }
    }

    /// Whether anybody takes what is kept.
    pub(crate) fn has_sinks(&self) -> bool {
        !self.sinks.is_empty()
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            kept: self.kept.load(Relaxed),
            forgotten: self.forgotten.load(Relaxed),
            left_out: self.left_out.load(Relaxed),
        }
    }

    fn tell(&self, part: Vec<FinishedSpan>) {
        let Some((last, others)) = self.sinks.split_last() else { return };
        for sink in others {
            sink.take(part.clone());
        }
        last.take(part);
    }

    /// Whether there is room for one span more, which is taken then.
    fn hold(&self) -> bool {
        let is_room = self.held.fetch_add(1, Relaxed) < MOST_HELD;
        if !is_room {
            self.held.fetch_sub(1, Relaxed);
        }
        is_room
    }

    /// Whether one part more may be kept for having failed.
    fn admits_failure(&self) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.since.elapsed() >= Duration::from_secs(1) {
            *failed = Failures { since: Instant::now(), kept: 0 };
        }
        failed.kept += 1;
        failed.kept <= MOST_FAILED
    }
}

impl Part {
    pub(crate) fn new(trace_id: u128, sampled: bool, all: Arc<Parts>) -> Self {
        let came = (SystemTime::now(), Instant::now());
        let (ended, is_faulty) = (Mutex::default(), AtomicBool::new(false));
        Self { trace_id, sampled, came, ended, is_faulty, all }
    }

    /// Nanoseconds since it came in.
    pub(crate) fn age(&self) -> u64 {
        u64::try_from(self.came.1.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The system's time at an [`age`](Self::age).
    pub(crate) fn time_at(&self, age: u64) -> SystemTime {
        self.came.0 + Duration::from_nanos(age)
    }

    /// Notes that something has gone wrong in it; whether that is new.
    pub(crate) fn mark_faulty(&self) -> bool {
        !self.is_faulty.swap(true, Relaxed)
    }

    /// Takes a span that is not the first one.
    pub(crate) fn add(&self, span: FinishedSpan) {
        let mut ended = self.ended();
        if ended.len() < MOST_OF_A_PART && self.all.hold() {
            ended.push(span);
        } else {
            self.all.left_out.fetch_add(1, Relaxed);
        }
    }

    /// Takes the first span. It is the last to end: `tracing` holds it for as long as anything goes on
    /// in it, in the background too.
    pub(crate) fn close(&self, first: FinishedSpan) {
        let is_kept = self.sampled || (first.error().is_some() && self.all.admits_failure());
        let mut spans = self.release();
        if is_kept {
            self.all.kept.fetch_add(1, Relaxed);
            spans.push(first);
            self.all.tell(spans);
        } else {
            self.forget();
        }
    }

    /// Counts it as one that is not kept.
    pub(crate) fn forget(&self) {
        self.all.forgotten.fetch_add(1, Relaxed);
    }

    fn release(&self) -> Vec<FinishedSpan> {
        let spans = std::mem::take(&mut *self.ended());
        self.all.held.fetch_sub(spans.len(), Relaxed);
        spans
    }

    fn ended(&self) -> MutexGuard<'_, Vec<FinishedSpan>> {
        // Nothing that is done under it can leave it half done.
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // There is something left where its first span never ended.
        self.release();
    }
}
