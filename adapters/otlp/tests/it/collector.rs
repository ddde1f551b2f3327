//! A collector that remembers.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::ResourceSpans,
};
use prost::Message;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

/// Listens on loopback until it is dropped.
pub(crate) struct Collector(MockServer);

impl Collector {
    /// One that answers every request with `answer`.
    pub(crate) async fn answering(answer: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        let takes = Mock::given(method("POST")).and(path("/v1/traces"));
        takes.respond_with(answer).mount(&server).await;
        Self(server)
    }

    pub(crate) fn url(&self) -> String {
        self.0.uri()
    }

    /// What came, request by request.
    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.0.received_requests().await.expect("it remembers")
    }

    /// The spans of all requests, with whose they are.
    pub(crate) async fn spans(&self) -> Vec<ResourceSpans> {
        let requests = self.requests().await;
        let decoded = requests.iter().map(|request| {
            ExportTraceServiceRequest::decode(&*request.body).expect("what the protocol says")
        });
        decoded.flat_map(|request| request.resource_spans).collect()
    }
}
