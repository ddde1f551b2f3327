//! The program's metrics: gathered once, told to whoever scrapes and to a collector.

use std::collections::BTreeMap;

use opentelemetry_sdk::{
    Resource,
    metrics::{SdkMeterProvider, reader::MetricReader},
};
use prometheus::{Registry, TextEncoder, proto::MetricFamily};
use telemetry::busy;

use super::process;

/// Gathers what the program's instruments count. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Metrics {
    /// From now on instruments count; those that were made before never will.
    pub(crate) fn start(
        service: Resource,
        collector: Option<impl MetricReader>,
    ) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder().with_resource(service).with_reader(scraped);
        let provider = match collector {
            Some(collector) => provider.with_reader(collector).build(),
            None => provider.build(),
        };
        opentelemetry::global::set_meter_provider(provider.clone());
        process::tell();
        busy::tell();
        Ok(Self { provider, registry })
    }

    /// All of them, as Prometheus reads it.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    /// All of them, to be looked into.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// The series of the counter that Prometheus knows as `name`: labels and value.
    pub(crate) fn series(&self, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let families = self.gather();
        let of_name = families.iter().filter(|family| family.name() == name);
        let metrics = of_name.flat_map(|family| family.get_metric());
        let series = metrics.map(|metric| {
            let labels = metric.get_label().iter();
            let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned()));
            (labels.collect(), metric.get_counter().get_value())
        });
        series.collect()
    }

    /// Sends what is left. Blocks: no runtime's thread may call it.
    pub(crate) fn end(self, within: std::time::Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(within) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the last metrics may not have come to the collector"
            );
        }
    }
}
