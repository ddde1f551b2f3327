//! A client of the public API as a careful one would be: it repeats what it does not know the
//! outcome of, under the same key, with pauses, and not for ever.

mod answer;
mod patience;

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

pub use answer::Answer;
pub use patience::Patience;

/// Longer than a program takes for a request at most (10 s): what comes later is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(13);

/// A request that can be sent again as it was.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST`, `GET` or `DELETE`.
    pub method: Method,
    /// Below the public origin.
    pub path: String,
    /// As JSON.
    pub body: Option<Value>,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
}

impl Request {
    /// `GET path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, key: None }
    }

    /// `POST path` with a body.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body), key: None }
    }

    /// `DELETE path`.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, path: path.into(), body: None, key: None }
    }

    /// The same under an idempotency key.
    #[must_use]
    pub fn under(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// Leads to the public origin. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
}

impl Client {
    /// Leads to `origin`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// A TLS library that cannot be set up.
    pub fn new(origin: impl Into<String>) -> Result<Self> {
        Ok(Self { http: http()?, origin: origin.into() })
    }

    /// Sends once.
    pub async fn send(&self, request: &Request, token: Option<&str>) -> Answer {
        let Request { method, path, body, key } = request;
        let mut outgoing = self.http.request(method.clone(), format!("{}{path}", self.origin));
        if let Some(body) = body {
            outgoing = outgoing.json(body);
        }
        if let Some(key) = key {
            outgoing = outgoing.header("idempotency-key", key);
        }
        if let Some(token) = token {
            outgoing = outgoing.bearer_auth(token);
        }
        match outgoing.send().await {
            Ok(response) => answer::read(response).await,
            // Nobody has taken the connection, so nobody has seen the request.
            Err(error) if error.is_connect() => {
                Answer::NotDone { why: "refused".to_owned(), wait: None }
            }
            Err(error) => Answer::Unknown { why: answer::why(&error), wait: None },
        }
    }
}

/// An HTTP client for this process, which asks no proxy of the environment's.
///
/// # Errors
/// A TLS library that cannot be set up.
pub fn http() -> Result<reqwest::Client> {
    // A second installation, by another client of the process, is no mistake.
    drop(rustls::crypto::ring::default_provider().install_default());
    Ok(reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?)
}
