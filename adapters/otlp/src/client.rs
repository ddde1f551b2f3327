//! How a collector is reached.

use std::{collections::HashMap, fmt, time::Duration};

use async_trait::async_trait;
use kernel::Secret;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Where the collector is.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// Its base URL, such as `http://127.0.0.1:4318`; signals have paths below it.
    pub endpoint: String,
    /// The `Authorization` header that it wants.
    pub authorization: Option<Secret>,
    /// How long it may take to answer. What it has not answered by then is lost.
    pub patience: Duration,
    /// How long spans are gathered before they are sent.
    pub every: Duration,
}

impl OtlpConfig {
    /// Without authorization, at most 10 s for an answer, every 5 s.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            authorization: None,
            patience: Duration::from_secs(10),
            every: Duration::from_secs(5),
        }
    }

    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint.trim_end_matches('/'))
    }

    pub(crate) fn headers(&self) -> HashMap<String, String> {
        let authorization = self.authorization.iter();
        authorization
            .map(|secret| ("authorization".to_owned(), secret.expose().to_owned()))
            .collect()
    }
}

/// The exporter could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum OtlpClientError {
    /// The HTTP client could not.
    #[error("the client of the collector could not be set up")]
    Client(#[from] reqwest::Error),
    /// The SDK would not take the settings.
    #[error("the exporter of traces could not be set up")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Sends on the program's main runtime: the SDK's own thread has none.
#[derive(Clone)]
pub(crate) struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

impl OnRuntime {
    pub(crate) fn new(config: &OtlpConfig, runtime: Handle) -> Result<Self, OtlpClientError> {
        // Another part of the program may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .timeout(config.patience)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        // To read the machine's certificates takes time and memory, which a collector on the same
        // machine need not cost.
        let is_plain = config.endpoint.starts_with("http://");
        let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
        Ok(Self { client: builder.build()?, runtime })
    }
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRuntime").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move { HttpClient::send_bytes(&client, request).await };
        self.runtime.spawn(exchange).await?
    }
}
