//! Traces on their way to a collector.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor},
};
use telemetry::{FinishedSpan, TraceSink, conventions::SCHEMA_URL};
use tokio::runtime::Handle;

use crate::{
    client::{OnRuntime, OtlpClientError, OtlpConfig},
    data,
    exporter::{Fate, Outage, Watched},
};

/// Spans that wait for the collector at the most: some MB.
pub const QUEUE: usize = 4_096;

/// Spans in one request.
const BATCH: usize = 512;

/// Spans that came to the collector, and those that did not, since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Taken.
    pub sent: u64,
    /// Not taken: the collector was down, slow or refused them.
    pub lost: u64,
    /// Not sent: too many waited already.
    pub left_out: u64,
}

/// Hands traces to a collector.
pub struct OtlpTraces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    fate: Arc<Fate>,
}

impl OtlpTraces {
    /// Sends the traces of `service` on `runtime`, which must outlive [`OtlpTraces::shut_down`].
    /// Nothing is sent before there is a span.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub fn new(
        config: &OtlpConfig,
        service: &Resource,
        runtime: Handle,
    ) -> Result<Self, OtlpClientError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(config.url_of("v1/traces"))
            .with_timeout(config.patience)
            .with_headers(config.headers())
            .with_http_client(OnRuntime::new(config, runtime)?)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(config.every)
            .build();
        let fate = Arc::<Fate>::default();
        let watched =
            Watched { inner: exporter, fate: Arc::clone(&fate), outage: Outage::of_traces() };
        let mut processor = BatchSpanProcessor::builder(watched).with_batch_config(batches).build();
        processor.set_resource(service);
        let scope = InstrumentationScope::builder("ashlar").with_schema_url(SCHEMA_URL).build();
        Ok(Self { processor, scope, fate })
    }

    /// What became of spans so far.
    #[must_use]
    pub fn exported(&self) -> Exported {
        Exported {
            sent: self.fate.sent.load(Relaxed),
            lost: self.fate.lost.load(Relaxed),
            left_out: self.fate.left_out.load(Relaxed),
        }
    }

    /// Sends what waits and takes nothing any more. Blocks until that is done, for `within` at most:
    /// no runtime's thread may call it.
    pub fn shut_down(&self, within: Duration) {
        if let Err(error) = self.processor.shutdown_with_timeout(within) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the last traces may not have come to the collector"
            );
        }
    }
}

impl TraceSink for OtlpTraces {
    fn take(&self, part: Vec<FinishedSpan>) {
        if self.fate.admits(part.len()) {
            for span in part {
                self.processor.on_end(data::of(span, &self.scope));
            }
        }
    }
}

impl fmt::Debug for OtlpTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpTraces").field("fate", &self.fate).finish_non_exhaustive()
    }
}
