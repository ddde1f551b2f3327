//! Turns at what is scarce: who waits for one, and for how long.
//!
//! Served in their order. Where more comes than is done, an ordinary queue grows until everybody in
//! it has waited almost as long as anybody may: all answers are late, and those who were served last
//! may have given up. So a queue that was never empty for some time is taken as a sign of overload,
//! and newcomers then wait for a moment only: the controlled delay of Maurer, "Fail at Scale", ACM
//! Queue 13(8), 2015, after `CoDel` (RFC 8289).
//!
//! An operation that needs several turns is turned away at its first, if at all: what was done for
//! it would be lost otherwise (see [`operation`]).
//!
//! *Invariant*: nobody's wait is shortened once it has begun.

mod metrics;
pub mod operation;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

/// A queue that was never empty for this part of the longest wait is a sign of overload (`CoDel`'s
/// interval).
const STANDING: u32 = 4;

/// This part of the longest wait is left to newcomers under overload (`CoDel`'s target).
const MOMENT: u32 = 20;

/// Some turns at the same time, and those who wait for theirs.
#[derive(Debug)]
pub struct Queue {
    refusals: metrics::Refusals,
    turns: Arc<Semaphore>,
    /// How many turns were ever given.
    given: AtomicU64,
    /// How many may wait.
    room: usize,
    at_once: u32,
    longest: Duration,
    line: Mutex<Line>,
    standing: Duration,
    /// Who comes while the queue stands waits no longer than this.
    moment: Duration,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// There was no turn; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There was none in time.
    #[error("too many wait")]
    TimedOut,
    /// There will be none any more.
    #[error("the queue is closed")]
    Closed,
}

/// Who waits for a moment only while the queue stands.
#[derive(Clone, Copy)]
enum Shedding {
    Newcomers,
    Nobody,
}

#[derive(Debug)]
struct Line {
    waiting: usize,
    /// When nobody waited, the last time.
    empty_at: Instant,
}

impl Queue {
    /// `at_once` turns at the same time, at least one; nobody waits longer than `longest`. Metrics have
    /// it by its `name`.
    #[must_use]
    pub fn new(name: &str, at_once: u32, longest: Duration) -> Self {
        let at_once = at_once.max(1);
        Self {
            refusals: metrics::Refusals::of(name),
            turns: Arc::new(Semaphore::new(at_once as usize)),
            given: AtomicU64::new(0),
            room: usize::MAX,
            at_once,
            longest,
            line: Mutex::new(Line { waiting: 0, empty_at: Instant::now() }),
            standing: longest / STANDING,
            moment: longest / MOMENT,
        }
    }

    /// Newcomers who find `room` who wait are refused at once; there is no such bound otherwise.
    #[must_use]
    pub fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// A turn, as soon as there is one.
    ///
    /// # Errors
    /// [`Refused::TimedOut`] after the longest wait, and under overload sooner; [`Refused::Closed`].
    pub async fn turn(&self) -> Result<Turn, Refused> {
        self.turn_by(Instant::now() + self.longest).await
    }

    /// A turn by `deadline`, or after the longest wait where that is sooner.
    ///
    /// # Errors
    /// [`Refused::TimedOut`] at `deadline`, and under overload sooner; [`Refused::Closed`].
    pub async fn turn_by(&self, deadline: Instant) -> Result<Turn, Refused> {
        self.take(deadline, Shedding::Newcomers).await
    }

    /// A turn by `deadline` for work that had one before, or that is not part of the load: it is no
    /// newcomer, however long the queue stands.
    ///
    /// # Errors
    /// [`Refused::TimedOut`] at `deadline`; [`Refused::Closed`].
    pub async fn turn_again_by(&self, deadline: Instant) -> Result<Turn, Refused> {
        self.take(deadline, Shedding::Nobody).await
    }

    async fn take(&self, deadline: Instant, shedding: Shedding) -> Result<Turn, Refused> {
        let permit = match Arc::clone(&self.turns).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait(deadline, shedding).await?,
        };
        self.given.fetch_add(1, Relaxed);
        Ok(Turn { _permit: permit })
    }

    async fn wait(
        &self,
        deadline: Instant,
        shedding: Shedding,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        let given = self.given.load(Relaxed);
        let Some((_place, patience)) = self.join(deadline, shedding) else {
            self.refusals.count();
            return Err(Refused::TimedOut);
        };
        match timeout_at(patience, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| Refused::Closed),
            Err(_) => {
                // Where nobody had a turn meanwhile, what they are for stands still.
                if self.given.load(Relaxed) > given {
                    self.refusals.count();
                }
                Err(Refused::TimedOut)
            }
        }
    }

    /// Whether all turns are taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.turns.available_permits() == 0
    }

    /// How many turns are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        (self.at_once as usize).saturating_sub(self.turns.available_permits())
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line().waiting
    }

    /// Waits until all turns are over, but no longer than `patience`; there are none from then on.
    pub async fn close(&self, patience: Duration) {
        let all = Arc::clone(&self.turns).acquire_many_owned(self.at_once);
        // Whoever has a turn still keeps it.
        let all = timeout(patience, all).await;
        self.turns.close();
        // Not before: whoever has joined meanwhile would be given one.
        drop(all);
    }

    /// A place in the line, and until when it is worth to keep it; nothing where there is no room.
    fn join(&self, deadline: Instant, shedding: Shedding) -> Option<(Place<'_>, Instant)> {
        let now = Instant::now();
        let mut line = self.line();
        if line.waiting == 0 {
            line.empty_at = now;
        }
        let stands = now.duration_since(line.empty_at) > self.standing;
        let patience = match shedding {
            Shedding::Newcomers if line.waiting >= self.room => return None,
            Shedding::Newcomers if stands => self.moment,
            Shedding::Newcomers | Shedding::Nobody => self.longest,
        };
        line.waiting += 1;
        Some((Place(self), deadline.min(now + patience)))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that is done under it can leave it half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits, until they do no longer.
struct Place<'q>(&'q Queue);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.line().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(1);

    /// How long somebody who comes now waits in vain.
    async fn waits_in_vain(queue: &Queue) -> Duration {
        let begun = Instant::now();
        assert_eq!(queue.turn().await.err(), Some(Refused::TimedOut));
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_the_queue_stands_waits_for_a_moment_only() {
        let queue = Arc::new(Queue::new("test", 1, LONGEST));
        let held = queue.turn().await.expect("a turn");
        let wait = || {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { waits_in_vain(&queue).await })
        };
        let first = wait();
        tokio::time::sleep(queue.standing / 2).await;
        let second = wait();
        tokio::time::sleep(queue.standing).await;
        assert_eq!(queue.waiting(), 2);
        assert_eq!(waits_in_vain(&queue).await, queue.moment);
        let begun = Instant::now();
        let again = queue.turn_again_by(begun + LONGEST / 2).await;
        assert_eq!(again.err(), Some(Refused::TimedOut));
        assert_eq!(begun.elapsed(), LONGEST / 2, "no newcomer");
        for early in [first, second] {
            assert_eq!(
                early.await.expect("joins"),
                LONGEST,
                "who came before keeps their patience"
            );
        }
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_was_empty_meanwhile_is_calm_again() {
        let queue = Queue::new("test", 1, LONGEST);
        let held = queue.turn().await.expect("a turn");
        assert_eq!(waits_in_vain(&queue).await, LONGEST);
        assert_eq!(waits_in_vain(&queue).await, LONGEST, "nobody stood in it in between");
        drop(held);
        assert!(!queue.is_full());
        assert!(queue.turn().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_caller_s_own_deadline_counts_too() {
        let queue = Queue::new("test", 1, LONGEST);
        let _held = queue.turn().await.expect("a turn");
        let begun = Instant::now();
        let soon = Duration::from_millis(10);
        assert_eq!(queue.turn_by(begun + soon).await.err(), Some(Refused::TimedOut));
        assert_eq!(begun.elapsed(), soon);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_the_line() {
        let queue = Queue::new("test", 1, LONGEST);
        let held = queue.turn().await.expect("a turn");
        let gone = timeout(LONGEST / 10, queue.turn()).await;
        assert!(gone.is_err(), "there is no turn yet");
        assert_eq!(queue.waiting(), 0);
        drop(held);
        assert!(queue.turn().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_has_no_turns() {
        let queue = Arc::new(Queue::new("test", 2, LONGEST));
        let held = queue.turn().await.expect("a turn");
        let closing = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.close(LONGEST).await }
        });
        tokio::task::yield_now().await;
        assert!(!closing.is_finished(), "it waits for the turn that is held");
        let joined = queue.turn();
        let mut joined = std::pin::pin!(joined);
        assert!(timeout(LONGEST / 10, joined.as_mut()).await.is_err(), "it waits behind");
        drop(held);
        closing.await.expect("joins");
        assert_eq!(joined.await.err(), Some(Refused::Closed));
        assert_eq!(queue.turn().await.err(), Some(Refused::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_is_refused_at_once() {
        let queue = Queue::new("test", 1, LONGEST).with_room(1);
        let held = queue.turn().await.expect("a turn");
        let waiting = queue.turn();
        let mut waiting = std::pin::pin!(waiting);
        assert!(timeout(LONGEST / 10, waiting.as_mut()).await.is_err(), "it waits");
        assert_eq!(waits_in_vain(&queue).await, Duration::ZERO);
        let again = timeout(LONGEST / 10, queue.turn_again_by(Instant::now() + LONGEST)).await;
        assert!(again.is_err(), "no newcomer: it waits");
        drop(held);
        assert!(waiting.await.is_ok());
    }
}
