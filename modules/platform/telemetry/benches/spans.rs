//! What tracing costs a request: one with eight statements in it, as its programs see it.
//!
//! `cargo bench -p telemetry`

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use telemetry::{
    Entry, Failed, FinishedSpan, Rate, TraceLayer, TraceSettings, TraceSink, entry, here,
};
use tracing::{Subscriber, field, subscriber::with_default};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt};

/// Takes what is kept, and does nothing with it.
struct Nobody;

impl TraceSink for Nobody {
    fn take(&self, part: Vec<FinishedSpan>) {
        black_box(part);
    }
}

fn request(trace_id: u128) {
    let request = entry(Entry::Begins(trace_id), || {
        tracing::info_span!(
            "http.request",
            otel.kind = "server",
            otel.name = field::Empty,
            http.request.method = "GET",
            http.route = field::Empty,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    });
    request.in_scope(|| {
        for _ in 0..8 {
            let statement = tracing::debug_span!(
                "db.statement",
                otel.kind = "client",
                otel.name = "SELECT subscriptions",
                db.system.name = "postgresql",
                db.namespace = "billing",
                db.operation.name = "SELECT",
                db.collection.name = "subscriptions",
                db.query.text = "SELECT \"id\" FROM \"subscriptions\" WHERE \"tenant_id\" = $1",
                error.type = field::Empty,
            );
            statement.in_scope(|| black_box(here()));
        }
    });
    request.record("otel.name", "GET /v1/billing/subscription");
    request.record("http.route", "/v1/billing/subscription");
    request.record("http.response.status_code", 200);
}

fn ours(
    rate: f64,
    failed: Failed,
    sinks: Vec<Arc<dyn TraceSink>>,
) -> impl Subscriber + Send + Sync {
    let rate = Rate::new(rate).expect("a share");
    let layer = TraceLayer::new(TraceSettings { rate, failed, sinks });
    tracing_subscriber::registry().with(layer.filtered())
}

/// The same by the layer that OpenTelemetry has for `tracing`, which decides when a trace begins.
fn theirs(share: f64) -> impl Subscriber + Send + Sync {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing_subscriber::registry().with(layer.with_filter(LevelFilter::DEBUG))
}

fn spans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a request with eight statements");
    let mut measure = |name: &str, subscriber: Box<dyn Subscriber + Send + Sync>| {
        with_default(subscriber, || {
            group.bench_function(name, |bencher| bencher.iter(|| request(rand::random())));
        });
    };
    let sinks = || vec![Arc::new(Nobody) as Arc<dyn TraceSink>];
    measure("nobody listens", Box::new(tracing_subscriber::registry().with(LevelFilter::OFF)));
    measure("positions alone", Box::new(ours(1.0, Failed::Kept, Vec::new())));
    measure("a tenth kept, failures forgotten", Box::new(ours(0.1, Failed::Forgotten, sinks())));
    measure("a tenth kept, and failures", Box::new(ours(0.1, Failed::Kept, sinks())));
    measure("all kept", Box::new(ours(1.0, Failed::Kept, sinks())));
    measure("tracing-opentelemetry, a tenth", Box::new(theirs(0.1)));
    measure("tracing-opentelemetry, all", Box::new(theirs(1.0)));
    group.finish();
}

criterion_group!(benches, spans);
criterion_main!(benches);
