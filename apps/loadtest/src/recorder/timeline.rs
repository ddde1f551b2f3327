//! A run second by second.

use std::{collections::VecDeque, mem, time::Duration};

use hdrhistogram::Histogram;
use load_report::model::Second;

use super::{Fate, histogram};

/// Seconds are closed once no answer to one of their requests can come any more, so that there are
/// as many histograms as answers take seconds, however long the run.
#[derive(Debug)]
pub(super) struct Timeline {
    /// All of the run's.
    seconds: Vec<Second>,
    /// The second that the first of `open` is of.
    first_open: usize,
    open: VecDeque<Histogram<u32>>,
    most_open: usize,
}

/// Samples come to the recorder up to a second late, and a second is not over at its beginning.
const MARGIN: usize = 3;

impl Timeline {
    pub(super) fn new(seconds: usize, patience: Duration) -> Self {
        let most_open = patience.as_secs_f64().ceil() as usize + MARGIN;
        let seconds = vec![Second::default(); seconds];
        Self { seconds, first_open: 0, open: VecDeque::new(), most_open }
    }

    pub(super) fn record(&mut self, second: usize, fate: &Fate) {
        let Some(counts) = self.seconds.get_mut(second) else { return };
        counts.offered += 1;
        let Fate::Sent { late, service, failure: None, .. } = *fate else {
            counts.failed += 1;
            return;
        };
        let latency = histogram::micros(late + service);
        counts.done += 1;
        counts.max = counts.max.max(latency);
        // Nothing comes for a second that is closed, as long as `patience` is what it is said to be.
        let Some(index) = second.checked_sub(self.first_open) else { return };
        while self.open.len() <= index {
            self.open.push_back(histogram::new());
        }
        if let Some(histogram) = self.open.get_mut(index) {
            histogram.saturating_record(latency);
        }
        while self.open.len() > self.most_open {
            self.close_first();
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn finish(mut self) -> Vec<Second> {
        while !self.open.is_empty() {
            self.close_first();
        }
        mem::take(&mut self.seconds)
    }

    fn close_first(&mut self) {
        let Some(histogram) = self.open.pop_front() else { return };
        if let Some(second) = self.seconds.get_mut(self.first_open) {
            // Within the precision of the histogram a quantile may lie above the greatest value.
            second.p50 = histogram.value_at_quantile(0.5).min(second.max);
            second.p99 = histogram.value_at_quantile(0.99).min(second.max);
        }
        self.first_open += 1;
    }
}
