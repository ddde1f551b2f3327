//! For tests: what was counted.

use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData},
};

use super::KeyValue;

/// What this process counts, of which there is one: a test begins with it, before anything is counted.
pub struct Gathered {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Gathered {
    /// Gathers from now on, for all of the process.
    #[must_use]
    pub fn begin() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        Self { provider, exporter }
    }

    /// What the series of `metric` come to that have all of `attributes`; of a histogram, how much was
    /// noted in it. `None` where there is no such series.
    ///
    /// # Panics
    /// The metric is of a kind that no test has asked for yet.
    #[must_use]
    pub fn sum(&self, metric: &str, attributes: &[(&str, &str)]) -> Option<f64> {
        self.exporter.reset();
        self.provider.force_flush().expect("metrics");
        let gathered = self.exporter.get_finished_metrics().expect("metrics");
        let scopes = gathered.iter().flat_map(|resource| resource.scope_metrics());
        let mut metrics = scopes.flat_map(|scope| scope.metrics());
        let series: Vec<f64> = match metrics.find(|it| it.name() == metric)?.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                let points = sum.data_points().filter(|it| has_all(it.attributes(), attributes));
                points.map(|point| point.value() as f64).collect()
            }
            AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
                let points = gauge.data_points().filter(|it| has_all(it.attributes(), attributes));
                points.map(|point| point.value()).collect()
            }
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                let points =
                    histogram.data_points().filter(|it| has_all(it.attributes(), attributes));
                points.map(|point| point.count() as f64).collect()
            }
            other => panic!("{metric} is {other:?}"),
        };
        (!series.is_empty()).then(|| series.iter().sum())
    }
}

fn has_all<'p>(point: impl Iterator<Item = &'p KeyValue>, wanted: &[(&str, &str)]) -> bool {
    let point: Vec<&KeyValue> = point.collect();
    wanted.iter().all(|(key, value)| {
        point.iter().any(|it| it.key.as_str() == *key && it.value.as_str() == *value)
    })
}
