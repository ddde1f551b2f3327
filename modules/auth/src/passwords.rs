//! Hashing passwords: slow on purpose, so bounded.

mod argon2id;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use admission::{Queue, operation};
use auth_api::MODULE;
use kernel::Secret;
use rayon::{ThreadPool, ThreadPoolBuilder};
use telemetry::errors::{Panic, Site, Work, caught_now};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

pub use self::argon2id::Argon2id;
use crate::settings::HashingLimits;

/// Turns passwords into something that can be kept. Both methods block for tens of milliseconds.
pub trait PasswordHashing: Send + Sync + 'static {
    /// A salted hash in the PHC string format.
    ///
    /// # Errors
    /// No randomness or memory could be had.
    fn hash(&self, password: &str) -> Result<String, HashingError>;

    /// Whether `password` belongs to `hash`.
    ///
    /// # Errors
    /// `hash` is not a hash that this can read.
    fn matches(&self, password: &str, hash: &str) -> Result<bool, HashingError>;

    /// A hash that no password matches, and that costs as much to check as any other: what an
    /// unknown address is checked against.
    fn decoy(&self) -> &str;
}

/// Hashing failed: a defect or an exhausted machine, never the password's fault.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashingError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// How long a password waits for its turn. A listener that gives requests less time ends them sooner.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes on threads of their own, a few at a time. They are always the same threads, each of which
/// keeps the memory of a hash for the next one. And they give way: a hash is tens of milliseconds of
/// a core, for which dozens of other requests would wait.
pub(crate) struct Passwords {
    hashing: Arc<dyn PasswordHashing>,
    /// Those who hash, and those who wait for it.
    queue: Queue,
    concurrency: usize,
    /// Started when they are first needed.
    threads: OnceLock<ThreadPool>,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many wait already; nothing was done.
    #[error("too many passwords are being hashed")]
    Overloaded,
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error("hashing a password broke off")]
    Panicked(#[from] Panic),
    #[error("a thread that hashes passwords has not answered")]
    Unanswered,
}

impl Passwords {
    pub(crate) fn new(hashing: Arc<dyn PasswordHashing>, limits: HashingLimits) -> Self {
        let concurrency = limits.concurrency.clamp(1, HashingLimits::MOST);
        let at_once = u32::try_from(concurrency).unwrap_or(u32::MAX);
        Self {
            hashing,
            queue: Queue::new("passwords", at_once, PATIENCE).with_room(limits.queue),
            concurrency,
            threads: OnceLock::new(),
        }
    }

    pub(crate) async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        self.bounded(move |hashing| hashing.hash(password.expose())).await
    }

    /// Whether `password` belongs to `hash`; with no hash, the same work and `false`.
    pub(crate) async fn matches(
        &self,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.bounded(move |hashing| match hash {
            Some(hash) => hashing.matches(password.expose(), &hash),
            None => hashing.matches(password.expose(), hashing.decoy()).map(|_| false),
        })
        .await
    }

    async fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn PasswordHashing) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = self.queue.turn().await.map_err(|_| PasswordError::Overloaded)?;
        // A hash is the dearest thing that could be thrown away.
        operation::mark_under_way();
        let hashing = Arc::clone(&self.hashing);
        let (done, outcome) = oneshot::channel();
        let asked_in = Span::current();
        self.threads()?.spawn(move || {
            // Held by the thread: a caller who goes away does not free the core.
            let _held = turn;
            let site = Site { module: MODULE.name, work: Work::Job("hash a password") };
            let work = asked_in.in_scope(|| caught_now(site, || work(&*hashing)));
            // Nobody may be left to hear it.
            drop(done.send(work));
        });
        // A thread always answers, unless it could not even say why not.
        let span = tracing::debug_span!("password.hash", otel.kind = "internal");
        let outcome = outcome.instrument(span).await.map_err(|_| PasswordError::Unanswered)?;
        Ok(outcome??)
    }

    fn threads(&self) -> Result<&ThreadPool, HashingError> {
        if let Some(threads) = self.threads.get() {
            return Ok(threads);
        }
        let threads = ThreadPoolBuilder::new()
            .num_threads(self.concurrency)
            .thread_name(|index| format!("passwords-{index}"))
            .start_handler(|_| give_way())
            .build()
            .map_err(|error| HashingError(error.into()))?;
        Ok(self.threads.get_or_init(|| threads))
    }
}

/// Lets the threads that answer requests have a core first, where they want it.
fn give_way() {
    // On other systems it is the whole process that becomes nice.
    #[cfg(target_os = "linux")]
    {
        /// A third of the share that another thread has, while both want to run (`sched(7)`).
        const NICE: i32 = 5;
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "passwords are hashed at the priority of requests");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinHandle;

    use super::*;

    /// Hashes when it is let.
    struct Gate(std::sync::Mutex<mpsc::Receiver<()>>);

    impl PasswordHashing for Gate {
        fn hash(&self, _: &str) -> Result<String, HashingError> {
            self.0.lock().expect("not poisoned").recv().expect("let through");
            Ok("hash".to_owned())
        }

        fn matches(&self, _: &str, _: &str) -> Result<bool, HashingError> {
            Ok(true)
        }

        fn decoy(&self) -> &'static str {
            "decoy"
        }
    }

    /// Room for two behind a gate, and what opens it.
    fn one_at_work_and_one_waiting() -> (mpsc::Sender<()>, Arc<Passwords>) {
        let (open, gate) = mpsc::channel();
        let limits = HashingLimits { concurrency: 1, queue: 1 };
        (open, Arc::new(Passwords::new(Arc::new(Gate(gate.into())), limits)))
    }

    fn hash(passwords: &Arc<Passwords>) -> JoinHandle<Result<String, PasswordError>> {
        let passwords = Arc::clone(passwords);
        tokio::spawn(async move { passwords.hash(Secret::new("p")).await })
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_refused() {
        let (open, passwords) = one_at_work_and_one_waiting();
        let (first, second) = (hash(&passwords), hash(&passwords));
        while passwords.queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let third = passwords.hash(Secret::new("p")).await;
        assert!(matches!(third, Err(PasswordError::Overloaded)), "{third:?}");
        open.send(()).expect("somebody waits");
        open.send(()).expect("somebody waits");
        for admitted in [first, second] {
            assert_eq!(admitted.await.expect("joins").expect("hashes"), "hash");
        }
    }

    #[tokio::test]
    async fn who_went_away_while_they_waited_is_not_hashed_for() {
        let (open, passwords) = one_at_work_and_one_waiting();
        let (at_work, waiting) = (hash(&passwords), hash(&passwords));
        while passwords.queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.expect_err("aborted").is_cancelled());
        assert_eq!(passwords.queue.waiting(), 0, "there is room for another");
        // Who went away would take this one, and leave none for the next.
        open.send(()).expect("somebody waits");
        at_work.await.expect("joins").expect("hashes");
        open.send(()).expect("the gate stands");
        drop(open);
        passwords.hash(Secret::new("p")).await.expect("hashes");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_gives_way_to_others() {
        use rustix::process::getpriority_process;

        let (_open, gate) = mpsc::channel();
        let passwords = Passwords::new(Arc::new(Gate(gate.into())), HashingLimits::default());
        let theirs = passwords.bounded(|_| Ok(getpriority_process(None))).await;
        let theirs = theirs.expect("work is done").expect("a priority");
        // A larger number is a lower priority, and there is none below 19.
        assert!(theirs > getpriority_process(None).expect("a priority").min(18), "{theirs}");
    }

    #[tokio::test]
    async fn a_panic_is_one_caller_s_alone() {
        let (open, gate) = mpsc::channel();
        let passwords = Passwords::new(Arc::new(Gate(gate.into())), HashingLimits::default());
        let panicked = passwords.bounded(|_| -> Result<(), _> { panic!("on purpose") }).await;
        let Err(PasswordError::Panicked(panic)) = panicked else { panic!("{panicked:?}") };
        assert_eq!((panic.message(), panic.place()), ("on purpose", "hash a password"));
        open.send(()).expect("the gate stands");
        passwords.hash(Secret::new("p")).await.expect("hashes");
    }

    #[tokio::test]
    async fn an_unknown_address_matches_nothing() {
        let (_open, gate) = mpsc::channel();
        let passwords = Passwords::new(Arc::new(Gate(gate.into())), HashingLimits::default());
        assert!(!passwords.matches(Secret::new("p"), None).await.expect("checked"));
    }
}
