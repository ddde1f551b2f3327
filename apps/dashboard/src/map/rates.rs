//! How often modules called each other in the last minute.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use seam::{CallFigures, price::Counted};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{ReadSent, Sent};

/// How often the meter is read.
const EVERY: Duration = Duration::from_secs(5);
/// How far back rates look.
const WINDOW: Duration = Duration::from_secs(60);
/// As many readings as are needed for that.
const MOST: usize = 13;

/// Reads the meter of calls, as [`seam::Meter::read`] does.
pub type ReadCalls = Arc<dyn Fn() -> Vec<CallFigures> + Send + Sync>;

/// The last readings of a program's meter.
pub struct Rates {
    began: Instant,
    calls: ReadCalls,
    sent: ReadSent,
    kept: Mutex<VecDeque<Reading>>,
}

struct Reading {
    /// The calls, over the time since the first reading.
    counted: Counted,
    /// By module and destination.
    sent: BTreeMap<(String, String), Sent>,
}

/// What was counted between two readings.
#[derive(Debug, Default)]
pub(crate) struct LastMinute {
    /// How long ago the first of them was.
    pub(crate) window: Duration,
    pub(crate) lanes: Vec<LaneFigures>,
    pub(crate) sent: Vec<SentFigures>,
}

/// One method's calls by one caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneFigures {
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) port: String,
    pub(crate) transport: String,
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    /// How many of them were timed, and how long these took together.
    pub(crate) timed: u64,
    pub(crate) total: Duration,
    /// Since the program began.
    pub(crate) ever: u64,
}

/// The events of one module to another.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentFigures {
    pub(crate) module: String,
    pub(crate) destination: String,
    pub(crate) events: u64,
    /// Batches that were not taken.
    pub(crate) refusals: u64,
    /// Events since the program began.
    pub(crate) ever: u64,
}

impl Rates {
    /// Of what both tell from now on.
    #[must_use]
    pub fn new(calls: ReadCalls, sent: ReadSent) -> Self {
        let began = Instant::now();
        let first = Reading::now(began, &calls, &sent);
        Self { began, calls, sent, kept: Mutex::new(VecDeque::from([first])) }
    }

    /// What was sent since the program began.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        (self.sent)()
    }

    /// Reads the meter every five seconds, until `stop` is cancelled.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first is at once, and there is a reading already.
        ticks.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.note(),
            }
        }
    }

    fn note(&self) {
        let reading = Reading::now(self.began, &self.calls, &self.sent);
        let mut kept = self.kept();
        kept.push_back(reading);
        while kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// What has been counted since the oldest reading of the last minute.
    pub(crate) fn last_minute(&self) -> LastMinute {
        let now = Reading::now(self.began, &self.calls, &self.sent);
        let kept = self.kept();
        // A moment more than a minute, for the tick that is about to be.
        let fresh = |reading: &&Reading| {
            now.counted.over.saturating_sub(reading.counted.over) <= WINDOW + EVERY
        };
        match kept.iter().find(fresh) {
            Some(then) => now.since(then),
            None => LastMinute::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Reading>> {
        // Nothing that is done under it can leave it half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn now(began: Instant, calls: &ReadCalls, sent: &ReadSent) -> Self {
        let counted = Counted { over: began.elapsed(), calls: calls(), ..Counted::default() };
        let way = |sent: &Sent| (sent.module.clone(), sent.destination.clone());
        let sent = sent().into_iter().map(|sent| (way(&sent), sent));
        Self { counted, sent: sent.collect() }
    }

    fn since(&self, then: &Self) -> LastMinute {
        let Counted { over: window, calls, .. } = self.counted.since(&then.counted);
        // What came is in the order of all that there was.
        let lanes = calls.into_iter().zip(&self.counted.calls).map(|(came, all)| LaneFigures {
            caller: came.caller,
            callee: came.service,
            port: came.port,
            transport: came.transport,
            calls: came.calls,
            failures: came.failures,
            timed: came.timed,
            total: Duration::from_nanos(came.total_ns),
            ever: all.calls,
        });
        let sent = self.sent.iter().map(|(way, now)| {
            let (events, refusals) =
                then.sent.get(way).map_or((0, 0), |sent| (sent.events, sent.refusals));
            SentFigures {
                module: now.module.clone(),
                destination: now.destination.clone(),
                events: now.events.saturating_sub(events),
                refusals: now.refusals.saturating_sub(refusals),
                ever: now.events,
            }
        });
        LastMinute { window, lanes: lanes.collect(), sent: sent.collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    fn counted(calls: &Arc<AtomicU64>) -> Arc<Rates> {
        let (calls, events) = (Arc::clone(calls), Arc::clone(calls));
        let calls: ReadCalls = Arc::new(move || {
            let calls = calls.load(Relaxed);
            let figures = |version: u32| CallFigures {
                caller: "auth".to_owned(),
                service: "billing".to_owned(),
                version,
                calls: calls * u64::from(version),
                timed: calls,
                total_ns: calls * 1_000_000,
                ..CallFigures::default()
            };
            vec![figures(1), figures(2)]
        });
        let sent: ReadSent = Arc::new(move || {
            let (module, destination) = ("auth".to_owned(), "billing".to_owned());
            vec![Sent { module, destination, events: events.load(Relaxed), refusals: 1 }]
        });
        Arc::new(Rates::new(calls, sent))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_a_minute_is_in_no_rate() {
        let calls = Arc::new(AtomicU64::new(3));
        let rates = counted(&calls);
        let stop = CancellationToken::new();
        let watch = tokio::spawn(Arc::clone(&rates).watch(stop.clone()));
        calls.store(10, Relaxed);
        tokio::time::sleep(Duration::from_secs(12)).await;
        let last = rates.last_minute();
        assert_eq!((last.window.as_secs(), last.lanes[0].calls), (12, 7), "{last:?}");
        assert_eq!(last.lanes[0].total, Duration::from_millis(7));
        assert_eq!(last.lanes[1].calls, 14, "the port's next version is counted by itself");

        tokio::time::sleep(Duration::from_secs(70)).await;
        calls.store(12, Relaxed);
        let last = rates.last_minute();
        assert!((60..=65).contains(&last.window.as_secs()), "{last:?}");
        assert_eq!((last.lanes[0].calls, last.lanes[0].ever), (2, 12), "{last:?}");
        let sent = &last.sent[0];
        assert_eq!((sent.events, sent.refusals, sent.ever), (2, 0, 12), "{last:?}");
        assert!(rates.kept().len() <= MOST);
        stop.cancel();
        watch.await.expect("it ends");
    }
}
