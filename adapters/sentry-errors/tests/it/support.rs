//! A tracker that remembers, and what the program counts of reports that did not come to one.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use kernel::{Secret, TraceContext};
use sentry::{Envelope, protocol::Event};
use sentry_errors::{SentryConfig, SentryTracker};
use telemetry::{
    errors::{ErrorKind, ErrorReport, unexpected},
    metrics::testing::Gathered,
};
use tokio::{runtime::Handle, task::spawn_blocking};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

pub(crate) const TRACE: TraceContext = TraceContext {
    trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
    span_id: 0x00f0_67aa_0ba9_02b7,
    sampled: true,
};

/// How long a tracker that answers may take; far longer than it does.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Longer than any test runs.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(3_600);

/// The metric of reports that did not come to a tracker.
const DROPPED: &str = "ashlar.errors.dropped";

/// Listens on loopback until it is dropped.
pub(crate) struct Tracker {
    server: MockServer,
    gate: Arc<OnceLock<()>>,
}

impl Tracker {
    /// One that gives these answers in turn, and the last of them for ever.
    pub(crate) async fn answering(answers: Vec<ResponseTemplate>) -> Self {
        let tracker = Self::closed(answers).await;
        tracker.open();
        tracker
    }

    /// The same, which gives none of them before it is opened.
    pub(crate) async fn closed(answers: Vec<ResponseTemplate>) -> Self {
        let (server, gate) = (MockServer::start().await, Arc::<OnceLock<()>>::default());
        let last = answers.len() - 1;
        for (at, answer) in answers.into_iter().enumerate() {
            let takes = Mock::given(method("POST")).and(path("/api/42/envelope/"));
            let takes = takes.respond_with(Gated { gate: Arc::clone(&gate), answer });
            let takes = if at < last { takes.up_to_n_times(1) } else { takes };
            takes.mount(&server).await;
        }
        Self { server, gate }
    }

    pub(crate) fn open(&self) {
        // It may be open already.
        let _ = self.gate.set(());
    }

    pub(crate) fn dsn(&self) -> String {
        dsn(&self.server.address().to_string())
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.expect("it remembers")
    }

    /// The events of all requests, read by the owner's library.
    pub(crate) async fn events(&self) -> Vec<Event<'static>> {
        let requests = self.requests().await;
        let events = requests.iter().map(|request| {
            let envelope = Envelope::from_slice(&request.body).expect("what the protocol says");
            envelope.event().expect("an event").clone()
        });
        events.collect()
    }
}

impl Drop for Tracker {
    /// The end of the server waits for the answer that it is about to give.
    fn drop(&mut self) {
        self.open();
    }
}

/// An answer that is given once the gate is open. Until then the server, which has one thread, does
/// nothing else.
struct Gated {
    gate: Arc<OnceLock<()>>,
    answer: ResponseTemplate,
}

impl Respond for Gated {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.gate.wait();
        self.answer.clone()
    }
}

pub(crate) fn dsn(address: &str) -> String {
    format!("http://the-public-key@{address}/42")
}

pub(crate) fn connected(dsn: &str, patience: Duration) -> Arc<SentryTracker> {
    let config = SentryConfig { patience, ..SentryConfig::new(Secret::new(dsn), "test") };
    Arc::new(SentryTracker::new(config, Handle::current()).expect("a tracker"))
}

/// Waits until all that it was handed is dealt with.
pub(crate) async fn ended(tracker: &Arc<SentryTracker>) {
    let ending = Arc::clone(tracker);
    spawn_blocking(move || ending.shut_down(LONG)).await.expect("an end");
}

pub(crate) fn report() -> ErrorReport {
    let error = io::Error::other("the disk is full");
    ErrorReport {
        kind: ErrorKind::Error,
        message: "charge 17 of `ada@example.com` cannot be settled".to_owned(),
        causes: vec!["the database of billing failed".to_owned(), "the disk is full".to_owned()],
        place: "POST /v1/billing/subscriptions".to_owned(),
        module: "billing",
        trace: Some(TRACE),
        fingerprint: unexpected("billing", &error),
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        program: "monolith",
        release: "1.2.3",
        suppressed: 3,
    }
}

/// The reports that were dropped so far for this reason; `None` where that was never told.
pub(crate) fn dropped(gathered: &Gathered, reason: &str) -> Option<u64> {
    gathered.sum(DROPPED, &[("reason", reason)]).map(|reports| reports as u64)
}

/// The reports that were dropped so far.
pub(crate) fn lost(gathered: &Gathered) -> u64 {
    gathered.sum(DROPPED, &[]).unwrap_or_default() as u64
}

/// What is logged on a thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until the guard is dropped.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || log.clone()).with_ansi(false);
        tracing::subscriber::set_default(lines.finish())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(text).expect("UTF-8").lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
