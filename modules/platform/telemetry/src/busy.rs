//! How much of a program's work is whose: the time that threads are at work for each module.
//!
//! It is what lies between the beginning and the end of each poll of what is done as a module's work
//! ([`errors::caught`](crate::errors::caught)), on the wall's clock: on a machine whose processors are
//! all busy it contains waiting for one. What waits for a database or another program is not polled
//! and costs nothing. A module that calls another's port in the same process is not at work while that
//! one is.

use std::{
    cell::Cell,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::metrics::{Asked, KeyValue, MODULE};

const BUSY: Asked = Asked {
    name: "ashlar.module.busy",
    unit: "s",
    description: "Time that threads of the program were at work for a module",
};

/// One module's time, in nanoseconds. Lives as long as the process: there are as many as modules.
#[derive(Debug)]
struct Account {
    module: &'static str,
    nanos: AtomicU64,
}

/// All accounts, in the order in which they were opened.
static ACCOUNTS: LazyLock<Mutex<Vec<&'static Account>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// Whose work this thread does now, and since when.
    static AT_WORK: Cell<Option<(&'static Account, Instant)>> = const { Cell::new(None) };
    /// Those of [`ACCOUNTS`] that this thread has used.
    static KNOWN: Cell<[Option<&'static Account>; MOST_KNOWN]> = const { Cell::new([None; MOST_KNOWN]) };
}

/// A handful: a search in order beats a map, and those beyond are found behind the lock.
const MOST_KNOWN: usize = 8;

/// How long the program was at work for each module that was charged, since it began.
#[must_use]
pub fn read() -> Vec<(&'static str, Duration)> {
    let accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let figure = |it: &&'static Account| (it.module, Duration::from_nanos(it.nanos.load(Relaxed)));
    accounts.iter().map(figure).collect()
}

/// Has the program's metrics tell it.
pub fn tell() {
    BUSY.sum(|observer| {
        for (module, busy) in read() {
            observer.observe(busy.as_secs_f64(), &[KeyValue::new(MODULE, module)]);
        }
    });
}

fn account(module: &'static str) -> &'static Account {
    let mut known = KNOWN.get();
    if let Some(account) = known.into_iter().flatten().find(|account| account.module == module) {
        return account;
    }
    let account = open(module);
    if let Some(free) = known.iter_mut().find(|slot| slot.is_none()) {
        *free = Some(account);
        KNOWN.set(known);
    }
    account
}

/// The module's account, new where there is none.
fn open(module: &'static str) -> &'static Account {
    let mut accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(account) = accounts.iter().find(|account| account.module == module) {
        return account;
    }
    let account: &'static Account =
        Box::leak(Box::new(Account { module, nanos: AtomicU64::new(0) }));
    accounts.push(account);
    account
}

impl Account {
    fn charge(&self, from: Instant, to: Instant) {
        let nanos = to.saturating_duration_since(from).as_nanos();
        self.nanos.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Relaxed);
    }
}

/// A stretch of one thread's time. While it lasts, whoever was at work before is not.
pub(crate) struct Turn {
    before: Option<&'static Account>,
}

impl Turn {
    /// From now on this thread is at work for `module`.
    pub(crate) fn of(module: &'static str) -> Self {
        let account = account(module);
        let now = Instant::now();
        let before = AT_WORK.replace(Some((account, now)));
        if let Some((before, since)) = before {
            before.charge(since, now);
        }
        Self { before: before.map(|(before, _)| before) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = Instant::now();
        let before = self.before.map(|before| (before, now));
        if let Some((account, since)) = AT_WORK.replace(before) {
            account.charge(since, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::errors::{Site, Work, caught, caught_now};

    /// Work of `module`.
    async fn charged<F: Future>(module: &'static str, work: F) -> F::Output {
        caught(site(module), work).await.expect("no panic")
    }

    const fn site(module: &'static str) -> Site {
        Site { module, work: Work::Job("work") }
    }

    const A_WHILE: Duration = Duration::from_millis(20);

    fn busy(module: &str) -> Duration {
        let found = read().into_iter().find(|(name, _)| *name == module);
        found.map_or(Duration::ZERO, |(_, busy)| busy)
    }

    /// Keeps the thread, as a computation does.
    fn work() {
        let begun = Instant::now();
        while begun.elapsed() < A_WHILE {
            std::hint::spin_loop();
        }
    }

    fn until_done<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(done) = polled {
                return done;
            }
            // What is waited for takes its time; nobody is at work meanwhile.
            work();
        }
    }

    #[test]
    fn a_call_to_another_module_is_that_one_s_work_and_waiting_is_nobody_s() {
        let begun = Instant::now();
        until_done(charged("caller", async {
            work();
            charged("callee", async {
                work();
                let mut waited = false;
                std::future::poll_fn(|_| {
                    if waited {
                        Poll::Ready(())
                    } else {
                        waited = true;
                        Poll::Pending
                    }
                })
                .await;
                work();
            })
            .await;
            work();
        }));
        let whole = begun.elapsed();
        let (caller, callee) = (busy("caller"), busy("callee"));
        assert!(caller >= 2 * A_WHILE && callee >= 2 * A_WHILE, "{caller:?}, {callee:?}");
        // Five stretches of work, of which the one in between was nobody's.
        assert!(caller + callee + A_WHILE <= whole, "{caller:?}, {callee:?} of {whole:?}");
    }

    #[test]
    fn a_panic_ends_a_turn_like_an_end() {
        let outer = caught_now(site("outer"), || {
            let begun = Instant::now();
            let inner: Result<(), _> = caught_now(site("inner"), || panic!("on purpose"));
            // Telling of a panic takes its time, all the more with a backtrace.
            let panicked_within = begun.elapsed();
            work();
            (inner.is_err(), panicked_within)
        });
        let (panicked, panicked_within) = outer.expect("only the inner one panicked");
        assert!(panicked && AT_WORK.get().is_none() && busy("outer") >= A_WHILE);
        assert!(busy("inner") <= panicked_within, "it ended where it panicked");
    }

    #[test]
    fn there_may_be_more_modules_than_a_thread_remembers() {
        const NAMES: [&str; MOST_KNOWN + 3] =
            ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10"];
        for _ in 0..2 {
            for name in NAMES {
                caught_now(site(name), || {}).expect("no panic");
            }
        }
        let opened = read();
        for name in NAMES {
            assert_eq!(opened.iter().filter(|(opened, _)| *opened == name).count(), 1, "{name}");
        }
    }
}
