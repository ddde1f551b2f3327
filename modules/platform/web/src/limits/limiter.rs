//! Deciding on a request, whoever keeps the buckets.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use kernel::Clock;
use seam::resilience::{Breaker, Permit};

use super::{
    figures::{Counters, LimitFigures, StoreState},
    gcra::Quota,
    in_process::InProcessLimits,
    rules::{LimitClass, LimitRules},
    store::{Decision, RateLimitStore},
};

/// The limits of a public listener.
///
/// With a shared store, all replicas count together. While that does not answer, each counts for
/// itself: with `n` replicas somebody may then send up to `n` times as much, and starts with a
/// whole burst at each. A store that failed five times in a row is left alone and asked again after
/// a quarter of a second, later every two seconds, so that it costs almost no request its time.
pub struct Limits {
    rules: Option<LimitRules>,
    in_process: InProcessLimits,
    shared: Option<Shared>,
    counters: Counters,
}

struct Shared {
    store: Arc<dyn RateLimitStore>,
    breaker: Breaker,
    /// Whether it is known, and was said, that the store is down.
    down: AtomicBool,
}

/// What became of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) class: LimitClass,
    pub(crate) quota: Quota,
    pub(crate) decision: Decision,
}

impl Limits {
    /// Nothing is limited.
    #[must_use]
    pub fn off(clock: Arc<dyn Clock>) -> Self {
        Self {
            rules: None,
            in_process: InProcessLimits::new(clock),
            shared: None,
            counters: Counters::default(),
        }
    }

    /// Counts in this process.
    #[must_use]
    pub fn in_process(rules: LimitRules, clock: Arc<dyn Clock>) -> Self {
        Self { rules: Some(rules), ..Self::off(clock) }
    }

    /// Counts in `store`, and in this process while that is down.
    #[must_use]
    pub fn shared(
        rules: LimitRules,
        store: Arc<dyn RateLimitStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shared = Shared { store, breaker: Breaker::new(), down: AtomicBool::new(UP) };
        Self { shared: Some(shared), ..Self::in_process(rules, clock) }
    }

    /// What has been decided so far.
    #[must_use]
    pub fn figures(&self) -> LimitFigures {
        let state = match (&self.rules, &self.shared) {
            (None, _) => StoreState::Off,
            (Some(_), None) => StoreState::InProcess,
            (Some(_), Some(shared)) if shared.down.load(Ordering::Relaxed) => StoreState::Fallback,
            (Some(_), Some(_)) => StoreState::Shared,
        };
        self.counters.read(state)
    }

    /// Counts a request of `subject`; `None` where nothing is limited.
    pub(crate) async fn take(&self, class: LimitClass, subject: impl Display) -> Option<Verdict> {
        let quota = self.rules.as_ref()?.quota(class);
        let key = format!("{}:{subject}", class.name());
        let decision = match &self.shared {
            None => self.in_process.take_now(&key, quota),
            Some(shared) => match self.ask(shared, &key, quota).await {
                Some(decision) => decision,
                None => {
                    self.counters.fallbacks.count();
                    self.in_process.take_now(&key, quota)
                }
            },
        };
        self.counters.decided(class, &decision);
        Some(Verdict { class, quota, decision })
    }

    /// The shared store's decision; `None` where it has none, or is better left alone.
    async fn ask(&self, shared: &Shared, key: &str, quota: Quota) -> Option<Decision> {
        if shared.breaker.permit(Instant::now()) == Permit::Refuse {
            return None;
        }
        match shared.store.take(key, quota).await {
            Ok(decision) => {
                shared.breaker.succeeded();
                if shared.down.swap(UP, Ordering::Relaxed) {
                    tracing::info!("the shared store of the rate limits answers again");
                }
                Some(decision)
            }
            Err(error) => {
                self.counters.store_errors.count();
                shared.breaker.failed(Instant::now());
                // Said once: a single failure is only counted.
                if !shared.breaker.is_closed() && !shared.down.swap(DOWN, Ordering::Relaxed) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the shared store of the rate limits is down; each replica limits alone"
                    );
                }
                None
            }
        }
    }
}

const UP: bool = false;
const DOWN: bool = true;
