use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use kernel::CallId;
use storage::is_fault;
use telemetry::{
    Entry,
    conventions::ERROR_TYPE,
    errors::{self, HOST, Site, caught, unexpected_at},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field};

/// Work that a module does again and again: expiring what nobody came for, say. What is due at a
/// certain time for a certain thing is scheduled as an event instead.
#[derive(Clone)]
pub struct Sweep {
    /// What it is called in logs.
    pub name: &'static str,
    /// How long after one run the next one starts.
    pub every: Duration,
    module: &'static str,
    work: Work,
}

type Work =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), SweepError>> + Send>> + Send + Sync>;

/// What a sweep can fail with; it is logged, and the sweep runs again in its turn.
pub type SweepError = Box<dyn Error + Send + Sync>;

impl Sweep {
    /// Runs `work` every so often. Runs of one process do not overlap, those of several may, and
    /// any may be cut off: let each step of it be a transaction.
    pub fn new<F, W, E>(name: &'static str, every: Duration, work: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<SweepError>,
    {
        let work: Work = Arc::new(move || {
            let run = work();
            Box::pin(async move { run.await.map_err(Into::into) })
        });
        Self { name, every, module: HOST, work }
    }

    /// The same sweep, as one of `module`'s.
    pub(crate) fn of(self, module: &'static str) -> Self {
        Self { module, ..self }
    }

    /// Runs it once, in a trace of its own. What fails is told and logged here.
    ///
    /// # Errors
    /// What the work failed with; its panic is one of these.
    pub async fn run_once(&self) -> Result<(), SweepError> {
        let trace = CallId::random().0.as_u128();
        let span = telemetry::entry(Entry::Begins(trace), || {
            tracing::info_span!(
                "sweep",
                otel.kind = "internal",
                otel.name = self.name,
                error.type = field::Empty,
            )
        });
        let site = Site { module: self.module, work: errors::Work::Job(self.name) };
        let caught = caught(site, async { (self.work)().await }).instrument(span.clone()).await;
        let done = caught.unwrap_or_else(|panic| Err(panic.into()));
        done.inspect_err(|error| {
            span.record(ERROR_TYPE, "sweep");
            span.in_scope(|| self.tell(&**error));
        })
    }

    fn tell(&self, error: &(dyn Error + 'static)) {
        let fault = is_fault(error).then(|| unexpected_at(self.module, self.name, error));
        tracing::error!(
            sweep.name = self.name,
            error,
            error.fingerprint = fault.map(field::display),
            "a sweep failed"
        );
    }

    /// Runs it at once and then again and again, until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        // An interval of nothing would be refused.
        let mut ticks = interval(self.every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let sweeping = async {
            loop {
                ticks.tick().await;
                // It has told why it failed.
                let _failed = self.run_once().await;
            }
        };
        // A run that is under way when the program stops is cut off between two of its steps.
        stop.run_until_cancelled(sweeping).await;
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("name", &self.name)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
