//! An exporter whose outages are told once.

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
    is_down: AtomicBool,
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

#[derive(Debug)]
pub(crate) struct Watched<E> {
    pub(crate) inner: E,
    pub(crate) fate: Arc<Fate>,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let outcome = self.inner.export(batch).await;
        self.fate.waiting.fetch_sub(spans as usize, Relaxed);
        match &outcome {
            Ok(()) => {
                self.fate.sent.fetch_add(spans, Relaxed);
                if self.fate.is_down.swap(false, Relaxed) {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(error) => {
                self.fate.lost.fetch_add(spans, Relaxed);
                if !self.fate.is_down.swap(true, Relaxed) {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "the collector takes no traces; what comes until it does is lost"
                    );
                }
            }
        }
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
