//! A tracker that remembers, for tests of those who tell faults.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use crate::{
    Failed, Rate, TraceLayer, TraceSettings,
    errors::{ErrorDesk, ErrorReport, ErrorTracker, Lost, MOST_OF_ALL, lost},
};

/// Reports that it holds at the most: as many as are told in a minute.
const ROOM: usize = MOST_OF_ALL as usize;

/// What was told, and not taken out yet.
#[derive(Debug, Default)]
pub struct Notebook(Mutex<Vec<ErrorReport>>);

impl Notebook {
    /// Listens on this thread, as a program does on all of its own, until the guard is dropped.
    #[must_use]
    pub fn listen() -> (Arc<Self>, DefaultGuard) {
        let notebook = Arc::<Self>::default();
        let desk = ErrorDesk::new("test", "1.2.3", vec![notebook.clone()]);
        let settings =
            TraceSettings { rate: Rate::ALL, failed: Failed::Forgotten, sinks: Vec::new() };
        let layer = TraceLayer::new(settings).leading_to(Arc::new(desk));
        let subscriber = tracing_subscriber::registry().with(layer.filtered());
        (notebook, tracing::subscriber::set_default(subscriber))
    }

    /// What was told since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<ErrorReport> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The one report that was told since the last time.
    ///
    /// # Panics
    /// It is not one.
    #[must_use]
    pub fn only(&self) -> ErrorReport {
        let mut reports = self.take();
        assert_eq!(reports.len(), 1, "{reports:#?}");
        reports.remove(0)
    }
}

impl ErrorTracker for Notebook {
    fn report(&self, report: ErrorReport) {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() < ROOM {
            reports.push(report);
        } else {
            lost(Lost::NoRoom);
        }
    }
}
