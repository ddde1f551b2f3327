//! Passes requests for a module that runs elsewhere on to its public listener, so that the public
//! origin stays one. Authentication, limits and idempotency are the owner's alone.

mod headers;

use std::{
    cell::OnceCell,
    error::Error,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header as actix_header},
    web::{Bytes, Payload},
};
use futures_util::{StreamExt, stream};
use remote::{HttpClient, HttpClientError, Replicas};
use reqwest::header::HeaderMap;
use seam::CallFailure;
use telemetry::conventions::ERROR_TYPE;
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc},
    time::{Instant, timeout_at},
};
use tracing::{Instrument, field};
use web::{Problem, limits::TrustedProxies};

/// Chunks of a client's body in flight to the owner: what bounds memory.
const CHUNKS: usize = 8;

/// An answer of at most this many bytes is read to its end, within the time of the request, before it
/// is passed on: in one write, and while there is still a problem to answer if it breaks off.
const SHORT: u64 = 16 * 1024;

/// Leads to the public listeners of one module.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) module: &'static str,
    pub(crate) owners: Arc<Replicas>,
    pub(crate) patience: Duration,
    /// What clients reach this program over, `http` or `https`.
    pub(crate) scheme: &'static str,
    /// Whose word is taken for the address of a client. The owner is told one address, and takes
    /// ours for it.
    pub(crate) proxies: TrustedProxies,
}

/// One worker's connections to owners. They live on its runtime, so that an answer need not change
/// threads on its way to the client, and end with it; what another worker does is not theirs.
#[derive(Clone, Default)]
pub(crate) struct Connections(Rc<OnceCell<HttpClient>>);

impl Connections {
    fn to(&self, owner: &reqwest::Url) -> Result<reqwest::Client, HttpClientError> {
        let client = match self.0.get() {
            Some(client) => client,
            None => {
                let made = HttpClient::new(Handle::current())?;
                self.0.get_or_init(|| made)
            }
        };
        client.connections(owner.scheme())
    }
}

/// Why there is no answer to pass on.
enum Unanswered {
    /// Nothing was sent, so another owner may be asked.
    Unconnected(reqwest::Error),
    /// Something may have been sent, and no answer came back.
    Broken(Box<dyn Error + Send + Sync>),
    /// The request's time is up.
    Late,
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        // What clients ask for is in no log: a query may hold anything.
        let error = error.without_url();
        if error.is_connect() { Self::Unconnected(error) } else { Self::Broken(error.into()) }
    }
}

impl Gateway {
    /// Passes `request` on and its answer back, a long one as it comes. An owner that refuses the
    /// connection has got nothing, so the next one is asked; what was sent is not sent again.
    pub(crate) async fn forward(
        &self,
        connections: &Connections,
        request: HttpRequest,
        payload: Payload,
    ) -> Result<HttpResponse, Problem> {
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(Problem::internal)?;
        let span = tracing::debug_span!(
            "gateway.forward",
            otel.kind = "client",
            otel.name = format_args!("pass on to {}", self.module),
            peer.service = self.module,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        );
        let trace = telemetry::position(&span).unwrap_or_else(|| web::trace_of(&request));
        let headers = headers::outgoing(&request, trace, self.scheme, &self.proxies);
        let answer = self
            .forward_within(connections, method, headers, request, payload)
            .instrument(span.clone())
            .await;
        match &answer {
            Ok(answer) => {
                let status = answer.status();
                span.record("http.response.status_code", status.as_u16());
                if status.is_server_error() {
                    span.record(ERROR_TYPE, status.as_str());
                }
            }
            Err(problem) => _ = span.record(ERROR_TYPE, problem.slug()),
        }
        answer
    }

    async fn forward_within(
        &self,
        connections: &Connections,
        method: reqwest::Method,
        headers: HeaderMap,
        request: HttpRequest,
        payload: Payload,
    ) -> Result<HttpResponse, Problem> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let body = has_body(&request).then(|| ClientBody::of(payload));
        let deadline = Instant::now() + self.patience;

        for owner in self.owners.in_turn(Instant::now().into_std()) {
            let url = format!("{}{path}", owner.url().as_str().trim_end_matches('/'));
            let url = as_received(&url, request.path())?;
            let connections = connections.to(owner.url()).map_err(Problem::internal)?;
            let outgoing = connections.request(method.clone(), url);
            let mut outgoing = outgoing.headers(headers.clone());
            if let Some(body) = &body {
                outgoing = outgoing.body(body.unread());
            }
            let pending = owner.pending();
            match self.send(outgoing, deadline).await {
                Ok(answer) => {
                    pending.succeeded();
                    return Ok(answer);
                }
                Err(Unanswered::Unconnected(error)) => {
                    pending.failed();
                    self.log(&error);
                }
                Err(Unanswered::Broken(error)) => {
                    // A client that broke off its body says nothing against the owner.
                    if !body.is_some_and(|body| body.is_broken()) {
                        pending.failed();
                    }
                    self.log(&*error);
                    return Err(CallFailure::outcome_unknown(self.module).into());
                }
                Err(Unanswered::Late) => {
                    return Err(CallFailure::deadline_exceeded(self.module).into());
                }
            }
        }
        Err(CallFailure::unavailable(self.module).into())
    }

    /// Sends, and waits for the answer. When the client goes away this is dropped, and the request
    /// with it.
    async fn send(
        &self,
        outgoing: reqwest::RequestBuilder,
        deadline: Instant,
    ) -> Result<HttpResponse, Unanswered> {
        let owners =
            timeout_at(deadline, outgoing.send()).await.map_err(|_| Unanswered::Late)??;
        let status = owners.status();
        let mut answer = HttpResponseBuilder::new(
            StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY),
        );
        for (name, value) in headers::of_answer(owners.headers()) {
            answer.append_header((name.as_str(), value.as_bytes()));
        }
        // Not even the end of a body may follow the head of these (RFC 9112 §6.3): what does is taken
        // for the beginning of the next answer.
        if matches!(status.as_u16(), 204 | 304) {
            return Ok(answer.finish());
        }
        // As the connection has it: a header may say otherwise, beside chunks.
        let length = owners.content_length();
        if length.is_some_and(|length| length <= SHORT) {
            let body = timeout_at(deadline, owners.bytes()).await;
            return Ok(answer.body(body.map_err(|_| Unanswered::Late)??));
        }
        if let Some(length) = length {
            answer.no_chunking(length);
        }
        Ok(answer.streaming(owners.bytes_stream()))
    }

    fn log(&self, error: &(dyn Error + 'static)) {
        tracing::warn!(error, peer.service = self.module, "a request got no answer");
    }
}

/// The target, where it is at the owner the path that was received here. A path with dot segments
/// would be another one there, outside of the module's prefixes.
fn as_received(url: &str, path: &str) -> Result<reqwest::Url, Problem> {
    match reqwest::Url::parse(url) {
        Ok(parsed) if parsed.path() == path => Ok(parsed),
        _ => Err(Problem::not_found()),
    }
}

fn has_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(actix_header::TRANSFER_ENCODING)
        || headers.get(actix_header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// The client's body, read on the worker that owns its connection. An owner takes from it only
/// over a connection, so one that refused the connection leaves all of it to the next.
struct ClientBody {
    chunks: Arc<Mutex<mpsc::Receiver<Result<Bytes, io::Error>>>>,
    broken: Arc<AtomicBool>,
}

impl ClientBody {
    fn of(mut payload: Payload) -> Self {
        let (chunks, unread) = mpsc::channel::<Result<Bytes, io::Error>>(CHUNKS);
        let broken = Arc::new(AtomicBool::new(false));
        let is_broken = Arc::clone(&broken);
        actix_web::rt::spawn(async move {
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|error| {
                    is_broken.store(true, Ordering::Relaxed);
                    // A body of `reqwest` may go to any thread, and actix's error may not.
                    io::Error::other(error.to_string())
                });
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        Self { chunks: Arc::new(Mutex::new(unread)), broken }
    }

    /// What nobody has taken yet.
    fn unread(&self) -> reqwest::Body {
        let chunks = Arc::clone(&self.chunks);
        reqwest::Body::wrap_stream(stream::unfold(chunks, |chunks| async move {
            let chunk = chunks.lock().await.recv().await;
            chunk.map(|chunk| (chunk, chunks))
        }))
    }

    /// Whether the client broke it off.
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_another_one_at_the_owner_is_not_found() {
        let owner = "http://127.0.0.1:1";
        for path in ["/v1/billing/plans", "/v1/billing/invoices/a%20b"] {
            assert!(as_received(&format!("{owner}{path}?q=1"), path).is_ok(), "{path}");
        }
        for path in ["/v1/billing/%2e%2e/%2e%2e/openapi.json", "/v1/billing/../auth/me"] {
            assert!(as_received(&format!("{owner}{path}"), path).is_err(), "{path}");
        }
    }
}
