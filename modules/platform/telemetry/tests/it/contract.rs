//! What stands in for a tracker in tests keeps the contract of trackers.

use std::sync::Arc;

use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData},
};
use telemetry::errors::{
    ErrorTracker,
    testing::{Arrived, Notebook, TrackerBed, Values, error_tracker_contract},
};

/// What this process counts from now on.
struct Counted {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Counted {
    fn begin() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        Self { provider, exporter }
    }

    fn lost(&self) -> u64 {
        self.exporter.reset();
        self.provider.force_flush().expect("metrics");
        let gathered = self.exporter.get_finished_metrics().expect("metrics");
        let scopes = gathered.iter().flat_map(|resource| resource.scope_metrics());
        let mut metrics = scopes.flat_map(|scope| scope.metrics());
        // It is not there before anything is lost.
        match metrics.find(|metric| metric.name() == "ashlar.errors.dropped").map(|it| it.data()) {
            None => 0,
            Some(AggregatedMetrics::U64(MetricData::Sum(sum))) => {
                sum.data_points().map(|point| point.value()).sum()
            }
            Some(other) => panic!("{other:?}"),
        }
    }
}

/// What is in a notebook arrives when somebody looks.
struct Desk<'c> {
    notebook: Arc<Notebook>,
    counted: &'c Counted,
}

impl TrackerBed for Desk<'_> {
    fn tracker(&self) -> Arc<dyn ErrorTracker> {
        self.notebook.clone()
    }

    fn end(&self) -> Vec<Arrived> {
        self.notebook.take().iter().map(Arrived::from).collect()
    }

    fn lost(&self) -> u64 {
        self.counted.lost()
    }
}

#[test]
fn a_notebook_keeps_the_contract_of_trackers() {
    let counted = Counted::begin();
    let bed = || Desk { notebook: Arc::default(), counted: &counted };
    error_tracker_contract(bed, Values::Kept);
}
