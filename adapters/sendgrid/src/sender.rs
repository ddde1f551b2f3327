//! The one request that sends a mail.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use kernel::{Clock, Secret, SystemClock};
use notifications_api::{Accepted, Email, EmailError, EmailSender};
use reqwest::header::{ACCEPT, CONTENT_TYPE};

use crate::{
    answer::{self, SendGridError},
    mail::Mail,
    pause::Pause,
};

/// How SendGrid is reached.
#[derive(Clone, Debug)]
pub struct SendGridConfig {
    /// An API key that may send mails (`mail.send`).
    pub api_key: Secret,
    /// [`SendGridConfig::GLOBAL`], or [`SendGridConfig::EUROPE`] for an account whose data stay in
    /// the European Union; no slash at the end.
    pub base_url: String,
    /// How long one mail may take, from the connection to the end of the answer.
    pub patience: Duration,
}

impl SendGridConfig {
    /// The regular API.
    pub const GLOBAL: &'static str = "https://api.sendgrid.com";
    /// The API of regional (EU) accounts.
    pub const EUROPE: &'static str = "https://api.eu.sendgrid.com";

    /// The regular API, 10 s a mail.
    #[must_use]
    pub fn new(api_key: Secret) -> Self {
        Self { api_key, base_url: Self::GLOBAL.to_owned(), patience: Duration::from_secs(10) }
    }
}

/// A client of SendGrid's API, with connections of its own. It follows no redirect, which would take
/// the key along, and sends no request twice by itself.
///
/// # Errors
/// The machine's certificates cannot be read.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the program may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("ashlar/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
}

/// Long for a provider, short beside the time that a mail may take.
const CONNECT: Duration = Duration::from_secs(3);

/// Sends mails by SendGrid.
///
/// **Repetition.** SendGrid knows no idempotency key: every request that it takes becomes a mail.
/// Where no answer came (a time-out, a connection that broke off), whether it took the mail is
/// unknown; it is reported as [`EmailError::Temporary`] and sent again, so the person may get it
/// twice. That is the right way round for a mail that carries a link somebody waits for. Both
/// copies carry our `message_id`: as `custom_args.message_id`, which SendGrid repeats in every
/// event of its webhook, and as the header `X-Ashlar-Message-Id`, for the recipient's side.
///
/// | SendGrid | outcome | why |
/// |---|---|---|
/// | 202 | accepted | it is queued; `X-Message-Id` is the reference |
/// | 400 that complains of the recipient or the content | refused | the same mail would be refused again |
/// | 413 | refused | the mail is too large (30 MB) |
/// | 400 that complains of anything else | temporary | a setting of ours, such as the sender, is wrong: no mail is lost for it |
/// | 401, 403 | temporary | the key or the sender's identity is not accepted, or the account is blocked: an operator mends it |
/// | 404, 405, 406, 415 | temporary | something else than the API answers there |
/// | 429 | temporary | and nothing is sent until `X-RateLimit-Reset`, at most a minute |
/// | 5xx | temporary | SendGrid's own trouble |
/// | refused connection | temporary | nothing was sent |
/// | time-out, broken connection | temporary | perhaps sent: see above |
#[derive(Debug)]
pub struct SendGridSender {
    config: SendGridConfig,
    client: reqwest::Client,
    pause: Pause,
}

impl SendGridSender {
    /// `client` is [`client`]'s. Nothing is sent before the first mail.
    #[must_use]
    pub fn new(config: SendGridConfig, client: reqwest::Client) -> Self {
        Self { config, client, pause: Pause::default() }
    }

    async fn post(&self, mail: &Mail<'_>) -> Result<answer::Answer, SendGridError> {
        // Nobody's text can fail to serialize; should it, the mail waits for a build that can.
        let body = serde_json::to_vec(mail).map_err(SendGridError::Unwritable)?;
        let request = self
            .client
            .post(format!("{}/v3/mail/send", self.config.base_url))
            .bearer_auth(self.config.api_key.expose())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .timeout(self.config.patience)
            .body(body);
        let response = request.send().await.map_err(SendGridError::of_exchange)?;
        Ok(answer::Answer::read(response).await)
    }
}

#[async_trait]
impl EmailSender for SendGridSender {
    async fn send(&self, email: &Email) -> Result<Accepted, EmailError> {
        if let Some(left) = self.pause.left(Instant::now()) {
            return Err(SendGridError::Limited { wait: left }.into());
        }
        let answer = self.post(&Mail::of(email)).await?;
        if let Some(wait) = answer.pause(SystemClock.now()) {
            self.pause.begin(Instant::now() + wait);
        }
        answer.outcome()
    }
}
