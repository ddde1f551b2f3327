//! Requests and what becomes of them.

use std::{io, time::Duration};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Uri, Version,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
    http::uri::{Authority, PathAndQuery, Scheme},
};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Serialize, de::DeserializeOwned};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Shorter than servers keep idle connections, so that nothing is sent into one that closes.
const IDLE: Duration = Duration::from_secs(30);

/// What is to be asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and route, such as `GET /v1/billing/invoices/{id}`: what it is recorded as.
    pub operation: &'static str,
    path: Option<String>,
    headers: HeaderMap,
    body: Bytes,
    also: &'static [u16],
}

impl Request {
    /// `operation` is a method and a route; without [`Request::at`] the route is the path.
    #[must_use]
    pub fn to(operation: &'static str) -> Self {
        let (path, headers) = (None, HeaderMap::new());
        Self { operation, path, headers, body: Bytes::new(), also: &[] }
    }

    /// The path, where the route has places in it, and a query.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// On behalf of whom `bearer` is: the whole value of the header, `Bearer …`.
    #[must_use]
    pub fn by(mut self, bearer: HeaderValue) -> Self {
        self.headers.insert(AUTHORIZATION, bearer);
        self
    }

    /// Under an idempotency key; one that cannot stand in a header is left out.
    #[must_use]
    pub fn once(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// With a header more; a value that cannot stand in one is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With a body.
    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        // What the scenarios send are plain values, whose keys are text: they are always JSON.
        self.raw(serde_json::to_vec(body).unwrap_or_default())
    }

    /// With a JSON body that is written already.
    #[must_use]
    pub fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { body: body.into(), ..self }
    }

    /// Statuses that are as good an answer as one of success.
    #[must_use]
    pub fn or(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }

    fn method(&self) -> Method {
        let word = self.operation.split(' ').next().unwrap_or_default();
        word.parse().unwrap_or_default()
    }

    fn path(&self) -> &str {
        let route = || self.operation.split(' ').nth(1).unwrap_or("/");
        self.path.as_deref().unwrap_or_else(route)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as a `T`.
    ///
    /// # Errors
    /// It is something else.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}

/// Why a request was not answered as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Another status than was asked for.
    Status(u16),
    /// 503 that does not say when to come again.
    NoRetryAfter,
    /// Nothing, or not all of it, within the time.
    Timeout,
    /// There was no connection to be had, so nothing was done.
    Refused,
    /// The connection ended before the answer did.
    Reset,
    /// Not HTTP, or anything else.
    Other,
}

impl Failure {
    /// What it is called in a run: `503`, `timeout`, …
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::NoRetryAfter => "503 without Retry-After".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Other => "other".to_owned(),
        }
    }

    /// Whether the request may have had its effect all the same.
    #[must_use]
    pub fn leaves_in_doubt(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::NoRetryAfter | Self::Timeout | Self::Reset | Self::Other => true,
            Self::Refused => false,
        }
    }
}

/// An answer or none, and what went over the wire for it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What came back.
    pub outcome: Result<Answer, Failure>,
    /// Bytes sent and received: the first lines, headers and bodies, as HTTP/1.1 writes them.
    pub bytes: u64,
}

/// Sends requests to one origin over connections that are kept.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    authority: Authority,
    patience: Duration,
}

impl Client {
    /// Leads to `origin`, such as `http://127.0.0.1:8080`, and waits for an answer for at most
    /// `patience`.
    ///
    /// # Errors
    /// `origin` is no `http` URL, or one with a path.
    pub fn new(origin: &str, patience: Duration) -> anyhow::Result<Self> {
        let uri: Uri = origin.parse().with_context(|| format!("{origin} is no URL"))?;
        ensure!(
            uri.scheme() == Some(&Scheme::HTTP),
            "{origin} is not `http://…`: load is generated without TLS, which would cost the \
             generator as much as all else"
        );
        ensure!(matches!(uri.path(), "" | "/"), "{origin} has a path");
        let authority = uri.authority().cloned().context("a URL without a host")?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
        Ok(Self { pool, authority, patience })
    }

    /// Sends `request` and reads the whole answer. A request that a kept connection was closed on
    /// before it was sent goes out on another one; nothing else is repeated.
    pub async fn send(&self, request: &Request) -> Exchange {
        let Some(written) = self.write(request) else {
            return Exchange { outcome: Err(Failure::Other), bytes: 0 };
        };
        let path = request.path().len() + request.operation.len();
        let sent = path + size(written.headers()) + request.body.len();
        let asking = tokio::time::timeout(self.patience, self.ask(written));
        let answer = asking.await.unwrap_or(Err(Failure::Timeout));
        let received = |answer: &Answer| size(&answer.headers) + answer.body.len() + FIRST_LINE;
        let bytes = sent + answer.as_ref().map_or(0, received);
        let outcome = answer.and_then(|answer| {
            let good = (200..300).contains(&answer.status) || request.also.contains(&answer.status);
            match answer.status {
                _ if good => Ok(answer),
                503 if !answer.headers.contains_key(RETRY_AFTER) => Err(Failure::NoRetryAfter),
                status => Err(Failure::Status(status)),
            }
        });
        Exchange { outcome, bytes: bytes as u64 }
    }

    fn write(&self, request: &Request) -> Option<hyper::Request<Full<Bytes>>> {
        let path = PathAndQuery::try_from(request.path()).ok()?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        let mut written = hyper::Request::new(Full::new(request.body.clone()));
        *written.uri_mut() = uri.path_and_query(path).build().ok()?;
        *written.method_mut() = request.method();
        *written.version_mut() = Version::HTTP_11;
        *written.headers_mut() = request.headers.clone();
        Some(written)
    }

    async fn ask(&self, written: hyper::Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let answer =
            self.pool.request(written).await.map_err(|error| {
                if error.is_connect() { refusal(&error) } else { broken(&error) }
            })?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| broken(&error))?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// `HTTP/1.1 200 OK` and the two line ends around the headers.
const FIRST_LINE: usize = 19;

/// `name: value` and a line end, for each.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// A connection that could not be made: nothing has gone out.
fn refusal(error: &(dyn std::error::Error + 'static)) -> Failure {
    match io_error(error) {
        Some(io::ErrorKind::TimedOut) => Failure::Timeout,
        _ => Failure::Refused,
    }
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    let cut_off = chain(error).any(|cause| {
        let hyper = cause.downcast_ref::<hyper::Error>();
        hyper.is_some_and(|it| it.is_incomplete_message() || it.is_closed() || it.is_canceled())
    });
    match io_error(error) {
        _ if cut_off => Failure::Reset,
        Some(ConnectionReset | BrokenPipe | ConnectionAborted | UnexpectedEof | NotConnected) => {
            Failure::Reset
        }
        _ => Failure::Other,
    }
}

fn io_error(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |cause| cause.source())
}
