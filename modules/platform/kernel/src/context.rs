//! What goes with every call across a seam.

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CallingProgram, Locale, Principal, TenantId, TraceContext, sha256_hex};

/// Who asks, for whom, until when, and under which identity. Cheap to clone.
///
/// A context is made once at an edge (an HTTP request, a consumed event, a job) and handed down.
/// The clients of a port make the context of the call they send with [`CallContext::nested`].
#[derive(Clone)]
pub struct CallContext(Arc<Inner>);

struct Inner {
    principal: Arc<Principal>,
    deadline: Instant,
    call_id: CallId,
    key: KeySource,
    /// The key as text; made only where somebody asks, since a direct call seldom does.
    key_text: OnceLock<CallKey>,
    trace: TraceContext,
    locale: Locale,
    program: Option<Arc<CallingProgram>>,
    /// How often each port method was called under this context.
    nested: Mutex<Vec<(&'static str, &'static str, u32)>>,
    recorded: AtomicBool,
}

enum KeySource {
    CallId,
    Given(CallKey),
    Derived { parent: CallContext, port: &'static str, method: &'static str, n: u32 },
}

impl CallContext {
    /// A new context whose work must be done within `allowed`.
    #[must_use]
    pub fn new(principal: Principal, call_id: CallId, allowed: Duration) -> Self {
        Self(Arc::new(Inner {
            principal: Arc::new(principal),
            deadline: deadline_after(allowed),
            call_id,
            key: KeySource::CallId,
            key_text: OnceLock::new(),
            trace: TraceContext::derived_from(call_id),
            locale: Locale::default(),
            program: None,
            nested: Mutex::default(),
            recorded: AtomicBool::new(false),
        }))
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// The tenant the call is for; `None` for work that belongs to none.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.0.principal.tenant()
    }

    /// Names the whole operation, from the edge to the last nested call.
    #[must_use]
    pub fn call_id(&self) -> CallId {
        self.0.call_id
    }

    /// What makes this very call once-only: the given key, or one derived from the caller's.
    #[must_use]
    pub fn key(&self) -> &CallKey {
        self.0.key_text.get_or_init(|| match &self.0.key {
            KeySource::CallId => CallKey::new(self.0.call_id.0.to_string()),
            KeySource::Given(key) => key.clone(),
            KeySource::Derived { parent, port, method, n } => {
                CallKey::new(format!("{}/{port}.{method}/{n}", parent.key().as_str()))
            }
        })
    }

    /// Time left for this call; zero once it is up.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.deadline.saturating_duration_since(Instant::now())
    }

    /// When this call's time is up, on this process's monotonic clock.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// Whether nobody waits for the result any more.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The W3C trace context of the call.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.0.trace
    }

    /// The language the end user reads.
    #[must_use]
    pub fn locale(&self) -> &Locale {
        &self.0.locale
    }

    /// The program that made the call; `None` where that is this very one.
    #[must_use]
    pub fn program(&self) -> Option<&CallingProgram> {
        self.0.program.as_deref()
    }

    /// The context of a call made on behalf of this one. Its key is `key/port.method/n`, so that
    /// two calls under one key never collide and a repetition of the whole repeats each key.
    #[must_use]
    pub fn nested(&self, port: &'static str, method: &'static str) -> Self {
        let n = {
            let mut nested = self.0.nested.lock().unwrap_or_else(PoisonError::into_inner);
            match nested.iter_mut().find(|(p, m, _)| *p == port && *m == method) {
                Some((_, _, n)) => {
                    *n += 1;
                    *n
                }
                None => {
                    nested.push((port, method, 1));
                    1
                }
            }
        };
        self.derive(|inner| {
            inner.key = KeySource::Derived { parent: self.clone(), port, method, n };
            // What this program asks of another module it asks itself.
            inner.program = None;
        })
    }

    /// The same context under an explicit key, for an effect that must happen once however often
    /// the operation around it is started (a seat for an invitation, a charge for an invoice).
    #[must_use]
    pub fn with_key(&self, key: CallKey) -> Self {
        self.derive(|inner| inner.key = KeySource::Given(key))
    }

    /// The same context for another principal.
    #[must_use]
    pub fn with_principal(&self, principal: Principal) -> Self {
        self.derive(|inner| inner.principal = Arc::new(principal))
    }

    /// The same context with `allowed` time, if that is less than what is left.
    #[must_use]
    pub fn with_time(&self, allowed: Duration) -> Self {
        self.derive(|inner| inner.deadline = inner.deadline.min(deadline_after(allowed)))
    }

    /// The same context in another trace.
    #[must_use]
    pub fn with_trace(&self, trace: TraceContext) -> Self {
        self.derive(|inner| inner.trace = trace)
    }

    /// The same context for a reader of another language.
    #[must_use]
    pub fn with_locale(&self, locale: Locale) -> Self {
        self.derive(|inner| inner.locale = locale)
    }

    /// The same context of a call that came from another program.
    #[must_use]
    pub fn with_program(&self, program: Arc<CallingProgram>) -> Self {
        self.derive(|inner| inner.program = Some(program))
    }

    /// Says that the call's outcome was recorded under its key; the store does this.
    pub fn mark_recorded(&self) {
        self.0.recorded.store(true, Ordering::Relaxed);
    }

    /// Whether the call's outcome was recorded. The test client refuses a write that did not.
    #[must_use]
    pub fn was_recorded(&self) -> bool {
        self.0.recorded.load(Ordering::Relaxed)
    }

    fn derive(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let key = match &self.0.key {
            KeySource::CallId => KeySource::CallId,
            KeySource::Given(key) => KeySource::Given(key.clone()),
            KeySource::Derived { .. } => KeySource::Given(self.key().clone()),
        };
        let mut inner = Inner {
            principal: Arc::clone(&self.0.principal),
            deadline: self.0.deadline,
            call_id: self.0.call_id,
            key,
            key_text: OnceLock::new(),
            trace: self.0.trace,
            locale: self.0.locale.clone(),
            program: self.0.program.clone(),
            nested: Mutex::default(),
            recorded: AtomicBool::new(false),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }
}

/// A deadline is bounded by a day, so that no sum of durations can overflow.
fn deadline_after(allowed: Duration) -> Instant {
    Instant::now() + allowed.min(Duration::from_secs(86_400))
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("principal", self.principal())
            .field("call_id", &self.call_id())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// Names an operation from the edge to its last nested call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub Uuid);

impl CallId {
    /// A new operation.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity under which a write happens once: at most 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct CallKey(Arc<str>);

impl CallKey {
    /// The longest key; a longer text is replaced by its SHA-256 in hexadecimal.
    pub const MAX_LENGTH: usize = 255;

    /// Takes `text` as a key.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.len() <= Self::MAX_LENGTH {
            return Self(text.into());
        }
        Self(sha256_hex(text).into())
    }

    /// The key as it is stored and sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for CallKey {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SpeaksFor;

    fn context() -> CallContext {
        CallContext::new(Principal::Anonymous, CallId(Uuid::from_u128(7)), Duration::from_secs(5))
    }

    #[test]
    fn nested_keys_never_collide_and_repeat_with_the_whole() {
        let keys = |outer: &CallContext| {
            let first = outer.nested("BillingApi", "reserve_seat");
            let second = outer.nested("BillingApi", "reserve_seat");
            let deeper = first.nested("AuthApi", "contacts");
            [first, second, deeper].map(|context| context.key().to_string())
        };
        let outer = || context().with_key(CallKey::new("k"));
        assert_eq!(
            keys(&outer()),
            [
                "k/BillingApi.reserve_seat/1",
                "k/BillingApi.reserve_seat/2",
                "k/BillingApi.reserve_seat/1/AuthApi.contacts/1",
            ]
        );
        assert_eq!(keys(&outer()), keys(&outer()));
    }

    #[test]
    fn a_changed_context_keeps_its_key() {
        let nested = context().nested("BillingApi", "reserve_seat");
        assert_eq!(nested.with_time(Duration::from_secs(1)).key(), nested.key());
    }

    #[test]
    fn a_call_of_ones_own_comes_from_no_other_program() {
        let program = CallingProgram { name: "monolith".to_owned(), speaks_for: SpeaksFor::All };
        let arrived = context().with_program(Arc::new(program.clone()));
        let changed = arrived.with_time(Duration::from_secs(1));
        assert_eq!(changed.program(), Some(&program));
        assert_eq!(arrived.nested("AuthApi", "contacts").program(), None);
    }

    #[test]
    fn a_long_key_becomes_its_digest() {
        assert_eq!(CallKey::new("x".repeat(255)).as_str().len(), 255);
        assert_eq!(CallKey::new("x".repeat(256)).as_str().len(), 64);
    }

    #[test]
    fn time_can_only_be_taken_away() {
        let short = context().with_time(Duration::from_millis(10));
        assert!(short.with_time(Duration::from_secs(60)).remaining() <= Duration::from_millis(10));
    }
}
