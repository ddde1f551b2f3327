//! Where a program's faults come together.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use tracing::dispatcher::get_default;

use super::{
    ErrorKind, ErrorReport, ErrorTracker, Fingerprint, Panic, metrics, rate::Rate, report, site,
};
use crate::{TraceLayer, entry};

/// Takes a program's faults, and hands to its trackers what is not too much. The program's
/// [`TraceLayer`] leads to it.
pub struct ErrorDesk {
    program: &'static str,
    release: &'static str,
    trackers: Vec<Arc<dyn ErrorTracker>>,
    rate: Mutex<Rate>,
}

/// A fault, as the place knows it that saw it.
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    pub(super) module: &'static str,
    pub(super) message: String,
    pub(super) causes: Vec<String>,
    pub(super) place: String,
}

/// Tells an error of `module` that nobody expected, in what is being done here. For the line of the
/// log that says so, its fingerprint.
pub fn unexpected(module: &'static str, error: &(dyn Error + 'static)) -> Fingerprint {
    let place = site::here().map_or_else(|| module.to_owned(), |site| site.work.to_string());
    unexpected_at(module, place, error)
}

/// [`unexpected`] at a `place` that is known better here: few different ones, nothing of what a
/// client sent.
///
/// It is the same fault as one that was told in the same request, delivery or job before, which it
/// came of, and as a panic among its sources; then nobody is told again.
pub fn unexpected_at(
    module: &'static str,
    place: impl Into<String>,
    error: &(dyn Error + 'static),
) -> Fingerprint {
    if let Some(panic) = Panic::within(error) {
        return panic.fingerprint();
    }
    let (message, causes) = report::told(error);
    tell(Fault { kind: ErrorKind::Error, module, message, causes, place: place.into() })
}

/// Tells a fault, in the span that this is called in.
pub(super) fn tell(fault: Fault) -> Fingerprint {
    let fingerprint = Fingerprint::of(&fault);
    let is_first = entry::mark_faulty();
    // Of a panic nobody else has heard: it is caught once.
    if (is_first || fault.kind == ErrorKind::Panic)
        && let Some(desk) = here()
    {
        desk.take(fault, fingerprint);
    }
    fingerprint
}

/// Whether anybody hears of faults.
pub(super) fn is_there() -> bool {
    here().is_some()
}

fn here() -> Option<Arc<ErrorDesk>> {
    get_default(|dispatch| dispatch.downcast_ref::<TraceLayer>().and_then(TraceLayer::desk))
}

impl ErrorDesk {
    /// For `program` of version `release`.
    #[must_use]
    pub fn new(
        program: &'static str,
        release: &'static str,
        trackers: Vec<Arc<dyn ErrorTracker>>,
    ) -> Self {
        let rate = Mutex::new(Rate::new(Instant::now()));
        Self { program, release, trackers, rate }
    }

    fn take(&self, fault: Fault, fingerprint: Fingerprint) {
        let Fault { kind, module, message, causes, place } = fault;
        let admitted = {
            // Nothing that is done under it can leave it half done.
            let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
            rate.admit(fingerprint, Instant::now())
        };
        let Some(suppressed) = admitted else { return metrics::suppressed(kind, module) };
        metrics::reported(kind, module);
        let report = ErrorReport {
            kind,
            message,
            causes,
            place,
            module,
            trace: entry::here(),
            fingerprint,
            at: SystemTime::now(),
            program: self.program,
            release: self.release,
            suppressed,
        };
        for tracker in &self.trackers {
            tracker.report(report.clone());
        }
    }
}

impl fmt::Debug for ErrorDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorDesk")
            .field("program", &self.program)
            .field("release", &self.release)
            .finish_non_exhaustive()
    }
}
