//! Metrics on their way to a collector.

use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, Temporality, data::ResourceMetrics, exporter::PushMetricExporter,
        reader::MetricReader,
    },
};
use tokio::runtime::Handle;

use crate::{
    client::{OnRuntime, OtlpClientError, OtlpConfig},
    exporter::Outage,
};

/// Sends all metrics every so often on `runtime`, as sums since the program began: what the collector
/// did not take is in the next ones.
///
/// # Errors
/// The client cannot be set up.
pub fn metrics(
    config: &OtlpConfig,
    every: Duration,
    runtime: Handle,
) -> Result<impl MetricReader + use<>, OtlpClientError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_temporality(Temporality::Cumulative)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(config.url_of("v1/metrics"))
        .with_timeout(config.patience)
        .with_headers(config.headers())
        .with_http_client(OnRuntime::new(config, runtime)?)
        .build()?;
    let watched = Watched { inner: exporter, outage: Outage::of_metrics() };
    Ok(PeriodicReader::builder(watched).with_interval(every).build())
}

struct Watched<E> {
    inner: E,
    outage: Outage,
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let outcome = self.inner.export(metrics).await;
        self.outage.note(&outcome);
        outcome
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
