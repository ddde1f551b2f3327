//! One request to Stripe and its answer.

use std::{collections::BTreeMap, time::Duration};

use kernel::CallKey;
use reqwest::{
    RequestBuilder,
    header::{CONTENT_TYPE, HeaderName},
};
use seam::resilience::Backoff;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    API_VERSION, StripeConfig,
    errors::{Failure, Refusal, StripeError},
    form::{Form, OPERATION},
    meaning::Meaning,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// How long an answer to another request under the same key is waited for at a time.
const IN_FLIGHT: Backoff =
    Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(1) };

/// How many objects a page of a list has: the most that Stripe gives.
const PAGE: usize = 100;

/// How many pages of a list are looked through.
const MOST_PAGES: usize = 20;

/// Sends requests, within a time.
pub(crate) struct Api {
    config: StripeConfig,
    client: reqwest::Client,
    runtime: Handle,
}

/// Until when a caller waits.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(allowed: Duration) -> Self {
        Self(Instant::now() + allowed)
    }

    fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }
}

/// An object in a list at Stripe.
pub(crate) trait Listed: DeserializeOwned {
    fn id(&self) -> &str;
    fn metadata(&self) -> &BTreeMap<String, String>;
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
    has_more: bool,
}

impl Api {
    pub(crate) const fn new(
        config: StripeConfig,
        client: reqwest::Client,
        runtime: Handle,
    ) -> Self {
        Self { config, client, runtime }
    }

    /// Asks for something to be done, once per `key`. While another request with the key is at
    /// work, it waits for that one's answer, which is then the answer to both.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &CallKey,
        form: &Form,
        deadline: Deadline,
    ) -> Result<T, StripeError> {
        let mut waits = 0;
        loop {
            let request = self
                .client
                .post(self.url(path))
                .header(IDEMPOTENCY_KEY, key.as_str())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.encoded());
            let outcome = self.send(request, deadline).await;
            let Err(StripeError::Refused(refusal)) = outcome else { return outcome };
            waits += 1;
            let wait = IN_FLIGHT.wait(waits);
            if refusal.meaning() != Meaning::InFlight || deadline.0 <= Instant::now() + wait {
                return Err(StripeError::Refused(refusal));
            }
            sleep(wait).await;
        }
    }

    /// Looks.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        deadline: Deadline,
    ) -> Result<T, StripeError> {
        let mut url = self.url(path);
        let query = form.encoded();
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        self.send(self.client.get(url), deadline).await
    }

    /// The object that was made for `key`, among those that `form` narrows a list down to.
    ///
    /// Lists are up to date with what was done, as Stripe's search is not
    /// (<https://docs.stripe.com/search#data-freshness>).
    pub(crate) async fn find<T: Listed>(
        &self,
        path: &str,
        key: &CallKey,
        form: &Form,
        deadline: Deadline,
    ) -> Result<Option<T>, StripeError> {
        let form = form.clone().with("limit", PAGE.to_string());
        let mut last: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let form = form.clone().with_some("starting_after", last.take());
            let List { data, has_more } = self.get::<List<T>>(path, &form, deadline).await?;
            last = data.last().map(|object| object.id().to_owned());
            let of_key = |object: &T| {
                object.metadata().get(OPERATION).is_some_and(|made_for| made_for == key.as_str())
            };
            if let Some(found) = data.into_iter().find(of_key) {
                return Ok(Some(found));
            }
            if !has_more || last.is_none() {
                return Ok(None);
            }
        }
        Err(StripeError::TooMany { looked_through: PAGE * MOST_PAGES })
    }

    /// Sends on the main runtime, where the connections live; when the caller goes away, the
    /// request goes too.
    async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        deadline: Deadline,
    ) -> Result<T, StripeError> {
        if deadline.is_over() {
            return Err(StripeError::NotSent);
        }
        let request = request
            .header(STRIPE_VERSION, API_VERSION)
            .bearer_auth(self.config.secret_key.expose());
        let mut exchange = JoinSet::new();
        exchange.spawn_on(exchanged(request), &self.runtime);
        let (status, request_id, body) = match timeout_at(deadline.0, exchange.join_next()).await {
            Ok(Some(Ok(Ok(answer)))) => answer,
            Ok(Some(Ok(Err(error)))) if error.is_connect() => {
                return Err(StripeError::Unconnected(error));
            }
            Ok(Some(Ok(Err(error)))) => return Err(StripeError::Broken(error.into())),
            Ok(Some(Err(gone))) => return Err(StripeError::Broken(gone.into())),
            Ok(None) | Err(_) => return Err(StripeError::Late),
        };
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(StripeError::Malformed);
        }
        // What is not in Stripe's format is from something in between, and has its status alone.
        let Failure { error } = serde_json::from_slice(&body).unwrap_or_default();
        Err(StripeError::Refused(Refusal { status, request_id, error }))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.base_url)
    }
}

async fn exchanged(
    request: RequestBuilder,
) -> Result<(u16, Option<String>, Vec<u8>), reqwest::Error> {
    // The URL is left out of errors: it may name a customer.
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let request_id = answer.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let request_id = request_id.map(str::to_owned);
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok((status, request_id, body.to_vec()))
}
