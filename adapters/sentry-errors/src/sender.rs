//! One report after the other, to the tracker.

use std::time::Duration;

use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use sentry::transports::{RateLimiter, RateLimitingCategory};
use telemetry::errors::{ErrorReport, Lost, lost};
use tokio::sync::mpsc::Receiver;

use crate::{
    config::{SentryConfig, SentryError},
    event::envelope,
    outage::{Outage, Unsent},
};

/// Who is asking, as the protocol wants it.
const AGENT: &str = concat!("ashlar/", env!("CARGO_PKG_VERSION"));

/// Sends what it is handed.
pub(crate) struct Sender {
    client: Client,
    url: String,
    auth: String,
    environment: String,
    limits: RateLimiter,
    outage: Outage,
}

impl Sender {
    pub(crate) fn new(config: SentryConfig) -> Result<Self, SentryError> {
        let dsn = config.parsed()?;
        let SentryConfig { environment, patience, .. } = config;
        let url = dsn.envelope_api_url().to_string();
        Ok(Self {
            client: client(&url, patience)?,
            auth: dsn.to_auth(Some(AGENT)).to_string(),
            url,
            environment,
            limits: RateLimiter::new(),
            outage: Outage::default(),
        })
    }

    /// Until nobody can hand over any more, and all that was is dealt with.
    pub(crate) async fn run(mut self, mut reports: Receiver<ErrorReport>) {
        while let Some(report) = reports.recv().await {
            // As the tracker asked. To ask it again would only make it busier.
            if !self.limits.is_enabled(RateLimitingCategory::Error) {
                lost(Lost::Limited);
                continue;
            }
            let sent = self.send(report).await;
            if let Err(unsent) = &sent {
                lost(unsent.loss());
            }
            self.outage.note(sent);
        }
    }

    async fn send(&mut self, report: ErrorReport) -> Result<(), Unsent> {
        let mut body = Vec::new();
        envelope(report, &self.environment).to_writer(&mut body).map_err(Unsent::Unwritten)?;
        let request = self.client.post(&self.url).header("x-sentry-auth", &self.auth);
        let request = request.header(CONTENT_TYPE, "application/x-sentry-envelope").body(body);
        match request.send().await {
            Ok(answer) => self.heed(answer.status(), answer.headers()),
            Err(error) => Err(Unsent::Unreachable(error.without_url())),
        }
    }

    /// Limits come with any status; with a 429 that names none, the protocol has a minute.
    fn heed(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Unsent> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(limits) = header("x-sentry-rate-limits") {
            self.limits.update_from_sentry_header(limits);
        } else if let Some(after) = header(RETRY_AFTER.as_str()) {
            self.limits.update_from_retry_after(after);
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            self.limits.update_from_429();
        }
        if status.is_success() { Ok(()) } else { Err(Unsent::Status(status)) }
    }
}

fn client(url: &str, patience: Duration) -> Result<Client, reqwest::Error> {
    // Another part of the program may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .timeout(patience)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    // To read the machine's certificates takes time and memory, which a tracker on the same machine
    // need not cost.
    let is_plain = url.starts_with("http://");
    if is_plain { builder.tls_certs_only([]) } else { builder }.build()
}
