//! A collector that remembers what programs hand it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
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
        let takes = Mock::given(method("POST")).and(path("/v1/traces"));
        takes.respond_with(ResponseTemplate::new(200)).mount(&server).await;
        Self(server)
    }

    /// What programs are told, so that they hand over everything at once.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("ASHLAR__TELEMETRY__ENDPOINT", self.0.uri()),
            ("ASHLAR__TELEMETRY__EVERY_MS", "100".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
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
        for request in self.0.received_requests().await.context("it forgets")? {
            let request = ExportTraceServiceRequest::decode(&*request.body)?;
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
}

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
