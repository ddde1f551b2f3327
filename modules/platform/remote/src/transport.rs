use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use reqwest::Url;
use seam::{
    Answered, CallFailure, OutgoingCall, Reply, Transport,
    resilience::{Backoff, MAX_ATTEMPTS, RetryBudget},
};
use tokens::HopSigner;

use crate::{
    HttpClient, HttpClientError,
    answer::Target,
    attempt::{Attempt, Health, Next},
    replicas::Replicas,
    request::Message,
};

/// Where a module runs that is not in this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The module's name.
    pub service: String,
    /// The internal listeners of its replicas, such as `http://127.0.0.1:9081`: at least one.
    pub urls: Vec<String>,
}

/// Why calls cannot be sent to a remote at all.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No URL is given.
    #[error("no URL is given for `{service}`")]
    NoUrl {
        /// The module.
        service: String,
    },
    /// A URL is none.
    #[error("`{url}`, given for `{service}`, is no URL")]
    Malformed {
        /// The module.
        service: String,
        /// What is given.
        url: String,
        /// Why it is none, where that is known.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The client could not be set up.
    #[error(transparent)]
    Client(#[from] HttpClientError),
}

/// Carries the calls to one service over HTTP.
pub struct HttpTransport {
    service: String,
    replicas: Replicas,
    client: HttpClient,
    signer: Arc<HopSigner>,
    budget: RetryBudget,
}

impl HttpTransport {
    /// Leads to `remote`, signing with `signer`.
    ///
    /// # Errors
    /// `remote` has no URL, or one that is not an `http` or `https` URL with a host.
    pub fn new(
        remote: Remote,
        client: HttpClient,
        signer: Arc<HopSigner>,
    ) -> Result<Self, RemoteError> {
        let service = remote.service.clone();
        let replicas = Replicas::of(remote, &client)?;
        Ok(Self { service, replicas, client, signer, budget: RetryBudget::new() })
    }

    async fn attempt(
        &self,
        target: &Target<'_>,
        message: &Message<'_>,
        deadline: Instant,
    ) -> Attempt {
        let Some(replica) = self.replicas.choose(Instant::now()) else {
            return Attempt::refused_by_breakers(self.service());
        };
        let pending = replica.pending_until(deadline);
        let request = match message.request(replica.call_url(self.service(), target.method)) {
            Ok(request) => request,
            Err(failure) => return Attempt::settled(Reply::Failed(failure)),
        };
        let (runtime, connections) = (self.client.runtime(), &replica.connections);
        let attempt = Attempt::send(runtime, connections, request, target).await;
        match attempt.health {
            Health::Answered => pending.succeeded(),
            Health::Broken => pending.failed(),
        }
        attempt
    }
}

#[async_trait]
impl Transport for HttpTransport {
    fn service(&self) -> &str {
        &self.service
    }

    fn name(&self) -> &'static str {
        "http"
    }

    async fn send(&self, call: OutgoingCall<'_>) -> Answered {
        let message = match Message::new(&self.signer, self.service(), &call) {
            Ok(message) => message,
            Err(failure) => return Reply::Failed(failure).into(),
        };
        let target = Target { service: self.service(), method: call.method };
        self.budget.earn();
        let (mut n, mut perhaps_done) = (1, None);
        loop {
            let attempt = self.attempt(&target, &message, call.context.deadline()).await;
            let wait = Backoff::CALLS.wait(n);
            let again = attempt.next == Next::Repeat
                && n < MAX_ATTEMPTS
                && wait < call.context.remaining()
                && self.budget.spend();
            if !again {
                let reply = with_doubt(attempt.reply, perhaps_done);
                return Answered { reply, callee: attempt.callee, retries: n - 1 };
            }
            if let Reply::Failed(failure @ CallFailure::OutcomeUnknown { .. }) = attempt.reply {
                perhaps_done = Some(failure);
            }
            tokio::time::sleep(wait).await;
            n += 1;
        }
    }
}

/// That the last attempt certainly did nothing does not undo what an earlier one may have done.
fn with_doubt(last: Reply, perhaps_done: Option<CallFailure>) -> Reply {
    match (last, perhaps_done) {
        (Reply::Failed(CallFailure::Unavailable { .. }), Some(doubt)) => Reply::Failed(doubt),
        (last, _) => last,
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("service", &self.service)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

pub(crate) fn parse(service: &str, url: String) -> Result<Url, RemoteError> {
    let malformed =
        |url, source| RemoteError::Malformed { service: service.to_owned(), url, source };
    let parsed = match Url::parse(&url) {
        Ok(parsed) => parsed,
        Err(error) => return Err(malformed(url, Some(Box::new(error)))),
    };
    if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() {
        Ok(parsed)
    } else {
        Err(malformed(url, None))
    }
}
