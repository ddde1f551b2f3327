//! Turns at what is scarce: who waits for one, and for how long.
//!
//! Served in their order. Where more comes than is done, an ordinary queue grows until everybody in
//! it has waited almost as long as anybody may: all answers are late, and those who were served last
//! may have given up. So a queue that was never empty for some time is taken as a sign of overload,
//! and newcomers then wait for a moment only: the controlled delay of Maurer, "Fail at Scale", ACM
//! Queue 13(8), 2015, after `CoDel` (RFC 8289).
//!
//! An operation that needs several turns is turned away at the first that others have to wait for, if
//! at all: what was done for it would be lost otherwise (see [`operation`]).
//!
//! *Invariant*: nobody's wait is shortened once it has begun.

mod metrics;
pub mod operation;
#[cfg(test)]
mod tests;

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
    place: operation::Place,
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
            place: operation::Place::next(),
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

    /// A turn, as soon as there is one. The operation is under way from then on: here, and everywhere
    /// if it had to wait.
    ///
    /// # Errors
    /// [`Refused::TimedOut`] after the longest wait, and under overload sooner; [`Refused::Closed`].
    pub async fn turn(&self) -> Result<Turn, Refused> {
        self.turn_by(Instant::now() + self.longest).await
    }

    /// As [`Queue::turn`] by `deadline`, or after the longest wait where that is sooner.
    ///
    /// # Errors
    /// [`Refused::TimedOut`] at `deadline`, and under overload sooner; [`Refused::Closed`].
    pub async fn turn_by(&self, deadline: Instant) -> Result<Turn, Refused> {
        let is_newcomer = !operation::is_under_way_at(self.place);
        self.take(deadline, if is_newcomer { Shedding::Newcomers } else { Shedding::Nobody }).await
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
        let permit = if let Ok(permit) = Arc::clone(&self.turns).try_acquire_owned() {
            operation::mark_at(self.place);
            permit
        } else {
            let permit = self.wait(deadline, shedding).await?;
            operation::mark_under_way();
            permit
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
        let Some((_waiting, patience)) = self.join(deadline, shedding) else {
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
    fn join(&self, deadline: Instant, shedding: Shedding) -> Option<(Waiting<'_>, Instant)> {
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
        Some((Waiting(self), deadline.min(now + patience)))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that is done under it can leave it half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits, until they do no longer.
struct Waiting<'q>(&'q Queue);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.line().waiting -= 1;
    }
}
