//! A client of the public API that knows nothing but HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

/// How long something that happens in the background may take. Far beyond what it takes, so that
/// only what never happens fails.
const PATIENCE: Duration = Duration::from_secs(30);
const LEASES: Duration = Duration::from_secs(90);

/// A client of one public origin.
#[derive(Clone)]
pub struct Api {
    origin: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null where there is none, a string where it is not JSON.
    pub body: Value,
}

impl Api {
    /// Leads to `origin`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// A TLS library that cannot be set up.
    pub fn new(origin: impl Into<String>) -> anyhow::Result<Self> {
        // A second installation, by another client of the process, is no mistake.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { origin: origin.into(), http, token: None })
    }

    /// The same client with an access token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// `GET path`.
    ///
    /// # Errors
    /// No answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// No answer.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `POST path` with a JSON body under an idempotency key.
    ///
    /// # Errors
    /// No answer.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// No answer.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// A request to be built by hand; send it with [`Api::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends and reads the whole answer.
    ///
    /// # Errors
    /// No answer, or one that breaks off.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let answer = request.send().await.context("the API did not answer")?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.context("the answer broke off")?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The body, where the status is `expected`.
    ///
    /// # Errors
    /// Another status; the message shows the body.
    pub fn expect(self, expected: u16) -> anyhow::Result<Value> {
        ensure!(self.status.as_u16() == expected, "expected {expected}, got {self:#?}");
        Ok(self.body)
    }

    /// The body of a problem (RFC 9457), where status and type are as expected.
    ///
    /// # Errors
    /// Anything else, or a problem without a title and a trace id.
    pub fn expect_problem(self, expected: u16, slug: &str) -> anyhow::Result<Value> {
        let media_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        ensure!(media_type == Some("application/problem+json"), "no problem: {self:#?}");
        ensure!(self.status.as_u16() == expected, "expected {expected}, got {self:#?}");
        let body = self.body;
        ensure!(body["type"] == format!("urn:ashlar:problem:{slug}"), "not {slug}: {body:#}");
        ensure!(body["status"] == expected, "the body says another status: {body:#}");
        ensure!(body["title"].is_string() && body["trace_id"].is_string(), "incomplete: {body:#}");
        Ok(body)
    }
}

/// Asks `attempt` again until it succeeds: for what happens in the background.
///
/// # Errors
/// The last failure, after a minute and a half: on engines that several processes share, what a
/// dead one had in hand is left alone until its leases end.
pub async fn eventually<T>(
    what: &str,
    mut attempt: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > LEASES => {
                return Err(error.context(format!("waited in vain for {what}")));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
