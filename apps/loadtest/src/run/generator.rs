//! What the generator itself did: whether its figures can be trusted.

use std::time::{Duration, Instant};

use load_report::model::{Generator, Late};
use rustix::time::{ClockId, clock_gettime};

use super::{Ends, plan::Plan};
use crate::{alarm::Alarm, recorder::Measured};

/// What `plan` made of the generator; remarks are for who has them to add.
pub(super) fn account(plan: &Plan, measured: &Measured, meter: &Meter, ends: Ends) -> Generator {
    let late = &measured.lateness;
    Generator {
        workers: plan.workers,
        requests: late.len(),
        cpu: u64::try_from(meter.used().as_micros()).unwrap_or(u64::MAX),
        late: Late {
            p50: late.value_at_quantile(0.5),
            p99: late.value_at_quantile(0.99),
            max: late.max(),
        },
        journeys: ends.begun,
        complete: ends.complete,
        failed: ends.failed,
        over: ends.over,
        stuck: ends.stuck.into_iter().map(|(what, n)| (what.to_owned(), n)).collect(),
        most_under_way: ends.most_under_way,
        remarks: Vec::new(),
    }
}

/// An end of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The warm-up is over.
    Begins,
    /// What is meant to start from now on is not measured; some answers are still to come.
    Ends,
}

/// Reads the processor time of this process at both ends of what is measured.
pub(super) struct Meter {
    alarm: Alarm,
    marks: Vec<(Moment, Instant)>,
    read: Vec<Duration>,
}

impl Meter {
    pub(super) fn new(alarm: Alarm, from: Instant, to: Instant) -> Self {
        // The next one is at the end.
        let marks = vec![(Moment::Ends, to), (Moment::Begins, from)];
        Self { alarm, marks, read: Vec::new() }
    }

    /// Returns after each reading, and never once both are taken.
    pub(super) async fn watch(&mut self) -> Moment {
        match self.marks.last() {
            Some((_, mark)) => self.alarm.until(*mark).await,
            None => std::future::pending().await,
        }
        self.take().unwrap_or(Moment::Ends)
    }

    /// Whether something is left to be read.
    pub(super) fn is_waiting(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Reads now what is left to be read: all journeys may have ended before the end.
    pub(super) fn take(&mut self) -> Option<Moment> {
        let (moment, _) = self.marks.pop()?;
        self.read.push(processor_time());
        Some(moment)
    }

    fn used(&self) -> Duration {
        match *self.read.as_slice() {
            [from, to] => to.saturating_sub(from),
            _ => Duration::ZERO,
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
