//! A collector that remembers what programs hand it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value as Any},
    metrics::v1::ResourceMetrics,
    trace::v1::{ResourceSpans, Span, span::SpanKind},
};
use prost::Message;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

/// Listens on loopback until it is dropped.
pub(crate) struct Collector(MockServer);

/// A span as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The program that it is from.
    pub(crate) program: String,
    pub(crate) trace: u128,
    pub(crate) id: u64,
    /// 0 at a trace's root.
    pub(crate) parent: u64,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        for signal in [TRACES, METRICS] {
            let takes = Mock::given(method("POST")).and(path(signal));
            takes.respond_with(ResponseTemplate::new(200)).mount(&server).await;
        }
        Self(server)
    }

    /// What programs are told, so that they hand over everything at once.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ASHLAR__TELEMETRY__ENDPOINT", self.0.uri()),
            ("ASHLAR__TELEMETRY__EVERY_MS", "100".to_owned()),
        ]
    }

    /// All that came of `trace`.
    pub(crate) async fn spans_of(&self, trace: u128) -> anyhow::Result<Vec<Seen>> {
        let mut spans = self.spans().await?;
        spans.retain(|span| span.trace == trace);
        Ok(spans)
    }

    /// All that came.
    pub(crate) async fn spans(&self) -> anyhow::Result<Vec<Seen>> {
        let mut all = Vec::new();
        for request in self.received::<ExportTraceServiceRequest>(TRACES).await? {
            for ResourceSpans { resource, scope_spans, .. } in request.resource_spans {
                let resource = resource.context("nobody's spans")?;
                let program = texts(&resource.attributes).remove("service.name");
                let program = program.context("a program without a name")?;
                for span in scope_spans.into_iter().flat_map(|spans| spans.spans) {
                    all.push(Seen::of(span, &program)?);
                }
            }
        }
        Ok(all)
    }

    /// The names of all metrics that came, and of the programs that they came from.
    pub(crate) async fn metrics(&self) -> anyhow::Result<BTreeSet<(String, String)>> {
        let mut all = BTreeSet::new();
        for request in self.received::<ExportMetricsServiceRequest>(METRICS).await? {
            for ResourceMetrics { resource, scope_metrics, .. } in request.resource_metrics {
                let resource = resource.context("nobody's metrics")?;
                let program = texts(&resource.attributes).remove("service.name");
                let program = program.context("a program without a name")?;
                let metrics = scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                all.extend(metrics.map(|metric| (program.clone(), metric.name)));
            }
        }
        Ok(all)
    }

    async fn received<R: Message + Default>(&self, signal: &str) -> anyhow::Result<Vec<R>> {
        let all = self.0.received_requests().await.context("it forgets")?;
        let of_signal = all.iter().filter(|request| request.url.path() == signal);
        Ok(of_signal.map(|request| R::decode(&*request.body)).collect::<Result<_, _>>()?)
    }
}

const TRACES: &str = "/v1/traces";
const METRICS: &str = "/v1/metrics";

impl Seen {
    fn of(span: Span, program: &str) -> anyhow::Result<Self> {
        let id = |bytes: &[u8]| Ok::<_, anyhow::Error>(u64::from_be_bytes(bytes.try_into()?));
        Ok(Self {
            program: program.to_owned(),
            trace: u128::from_be_bytes(span.trace_id.as_slice().try_into()?),
            id: id(&span.span_id)?,
            parent: if span.parent_span_id.is_empty() { 0 } else { id(&span.parent_span_id)? },
            kind: span.kind(),
            attributes: texts(&span.attributes),
            name: span.name,
        })
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = match attribute.value.as_ref()?.value.as_ref()? {
            Any::StringValue(text) => text.clone(),
            Any::IntValue(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        Some((attribute.key.clone(), value))
    };
    attributes.iter().filter_map(text).collect()
}
