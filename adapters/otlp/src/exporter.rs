//! Exporters whose outages are told once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use crate::QUEUE;

/// What became of spans on their way.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// Those that the collector has not answered for.
    waiting: AtomicUsize,
    pub(crate) sent: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) left_out: AtomicU64,
}

impl Fate {
    /// Whether there is room for `spans` more beside those that wait, which is taken then.
    pub(crate) fn admits(&self, spans: usize) -> bool {
        let is_room = self.waiting.fetch_add(spans, Relaxed) + spans <= QUEUE;
        if !is_room {
            self.waiting.fetch_sub(spans, Relaxed);
            self.left_out.fetch_add(spans as u64, Relaxed);
        }
        is_room
    }
}

/// Whether the collector takes what it is sent.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    /// What becomes of them meanwhile.
    loss: &'static str,
    is_down: AtomicBool,
}

impl Outage {
    pub(crate) const fn of_traces() -> Self {
        Self::of("traces", "what comes until it does is lost")
    }

    pub(crate) const fn of_metrics() -> Self {
        Self::of("metrics", "the next ones say what these said")
    }

    const fn of(what: &'static str, loss: &'static str) -> Self {
        Self { what, loss, is_down: AtomicBool::new(false) }
    }

    /// Says when it begins and when it ends, and nothing in between.
    pub(crate) fn note(&self, outcome: &OTelSdkResult) {
        let what = self.what;
        match outcome {
            Ok(()) => {
                if self.is_down.swap(false, Relaxed) {
                    tracing::info!("the collector takes {what} again");
                }
            }
            Err(error) => {
                if !self.is_down.swap(true, Relaxed) {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "the collector takes no {what}; {}",
                        self.loss
                    );
                }
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Watched<E> {
    pub(crate) inner: E,
    pub(crate) fate: Arc<Fate>,
    pub(crate) outage: Outage,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let outcome = self.inner.export(batch).await;
        self.fate.waiting.fetch_sub(spans as usize, Relaxed);
        let counted = if outcome.is_ok() { &self.fate.sent } else { &self.fate.lost };
        counted.fetch_add(spans, Relaxed);
        self.outage.note(&outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
