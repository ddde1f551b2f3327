//! Passes requests for a module that runs elsewhere on to its public listener, so that the public
//! origin stays one. Authentication, limits and idempotency are the owner's alone.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header as actix_header},
    web::{Bytes, Payload},
};
use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{runtime::Handle, sync::mpsc, task::AbortHandle};
use web::Problem;

/// Chunks in flight between the client's connection and the owner's: what bounds memory.
const CHUNKS: usize = 8;

/// Headers that belong to one connection (RFC 9110 §7.6.1) and are never passed on.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request that only we may set, or that the owner must not see.
const NOT_FROM_CLIENTS: &[&str] = &[
    "content-length",
    "expect",
    "forwarded",
    "host",
    "origin",
    "x-call-id",
    "x-call-key",
    "x-call-outcome",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-remaining-ms",
];

/// Headers of an answer that this program writes itself.
const OURS_ON_ANSWERS: &[&str] = &[
    "content-length",
    "date",
    "server",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "vary",
];

/// Leads to the public listeners of one module.
#[derive(Clone)]
pub(crate) struct Gateway {
    module: &'static str,
    urls: Arc<[String]>,
    next: Arc<AtomicUsize>,
    client: reqwest::Client,
    runtime: Handle,
    patience: Duration,
}

impl Gateway {
    /// `runtime` outlives the worker that a request came in on, and with it the connections.
    pub(crate) fn new(
        module: &'static str,
        urls: &[String],
        client: reqwest::Client,
        runtime: Handle,
        patience: Duration,
    ) -> Self {
        Self {
            module,
            urls: urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect(),
            next: Arc::default(),
            client,
            runtime,
            patience,
        }
    }

    /// Passes `request` on and streams the answer back.
    pub(crate) async fn forward(
        &self,
        request: HttpRequest,
        payload: Payload,
    ) -> Result<HttpResponse, Problem> {
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(Problem::internal)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let headers = outgoing_headers(&request);
        let body = has_body(&request).then(|| body_of(payload));

        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut outgoing = None;
        for offset in 0..self.urls.len() {
            let url = &self.urls[(first + offset) % self.urls.len()];
            let target = self.client.request(method.clone(), format!("{url}{path}"));
            outgoing = Some(target.headers(headers.clone()));
            // With one listener, or a body that can be read only once, there is no second choice.
            if self.urls.len() == 1 || body.is_some() {
                break;
            }
            if self.is_reachable(url).await {
                break;
            }
        }
        let Some(mut outgoing) = outgoing else { return Err(self.unavailable()) };
        if let Some(body) = body {
            outgoing = outgoing.body(body);
        }
        self.send(outgoing).await
    }

    /// Sends on the main runtime; when the client goes away, the request goes too.
    async fn send(&self, outgoing: reqwest::RequestBuilder) -> Result<HttpResponse, Problem> {
        let (chunks, incoming) = mpsc::channel::<Result<Bytes, io::Error>>(CHUNKS);
        let (head, answered) = tokio::sync::oneshot::channel();
        let task = self.runtime.spawn(async move {
            match outgoing.send().await {
                Err(error) => drop(head.send(Err(error))),
                Ok(answer) => {
                    drop(head.send(Ok((answer.status(), answer.headers().clone()))));
                    let mut body = answer.bytes_stream();
                    while let Some(chunk) = body.next().await {
                        if chunks.send(chunk.map_err(io::Error::other)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        let abort = AbortOnDrop(task.abort_handle());
        let (status, headers) = match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(Ok(head))) => head,
            Ok(Ok(Err(error))) => {
                tracing::warn!(module = self.module, error = %error, "the module cannot be reached");
                return Err(self.unavailable());
            }
            Ok(Err(_)) => return Err(self.unavailable()),
            Err(_) => {
                return Err(Problem::from(seam::CallFailure::deadline_exceeded(self.module)));
            }
        };
        let mut answer = HttpResponseBuilder::new(
            StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY),
        );
        for (name, value) in passed_on(&headers, OURS_ON_ANSWERS) {
            answer.append_header((name.as_str(), value.as_bytes()));
        }
        let body = stream::unfold((incoming, abort), |(mut incoming, abort)| async move {
            incoming.recv().await.map(|chunk| (chunk, (incoming, abort)))
        });
        Ok(answer.streaming(body))
    }

    /// Whether something listens at `url`; asked only where there is another choice.
    async fn is_reachable(&self, url: &str) -> bool {
        let Ok(url) = reqwest::Url::parse(url) else { return false };
        let Ok(addresses) = url.socket_addrs(|| None) else { return false };
        self.runtime
            .spawn(async move { tokio::net::TcpStream::connect(&*addresses).await.is_ok() })
            .await
            .unwrap_or(false)
    }

    fn unavailable(&self) -> Problem {
        Problem::from(seam::CallFailure::unavailable(self.module))
    }
}

/// A client that goes away takes its request with it.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn has_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(actix_header::TRANSFER_ENCODING)
        || headers.get(actix_header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// The client's body, read on the worker that owns its connection.
fn body_of(mut payload: Payload) -> reqwest::Body {
    let (chunks, outgoing) = mpsc::channel::<Result<Bytes, io::Error>>(CHUNKS);
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| io::Error::other(error.to_string()));
            if chunks.send(chunk).await.is_err() {
                return;
            }
        }
    });
    reqwest::Body::wrap_stream(stream::unfold(outgoing, |mut outgoing| async move {
        outgoing.recv().await.map(|chunk| (chunk, outgoing))
    }))
}

fn outgoing_headers(request: &HttpRequest) -> HeaderMap {
    let mut incoming = HeaderMap::new();
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            incoming.append(name, value);
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in passed_on(&incoming, NOT_FROM_CLIENTS) {
        headers.append(name.clone(), value.clone());
    }
    let connection = request.connection_info();
    let ours = [
        (
            "x-forwarded-for",
            request.peer_addr().as_ref().map(SocketAddr::ip).map(|ip| ip.to_string()),
        ),
        ("x-forwarded-host", Some(connection.host().to_owned())),
        ("x-forwarded-proto", Some(connection.scheme().to_owned())),
        // The listener may have begun the trace itself.
        ("traceparent", Some(web::trace_of(request).to_traceparent())),
    ];
    for (name, value) in ours {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// The headers that are passed on: all but those of the connection, those that `Connection` names,
/// and `withheld`.
fn passed_on<'h>(
    headers: &'h HeaderMap,
    withheld: &'h [&str],
) -> impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)> {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers.iter().filter(move |(name, _)| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name)
            && !withheld.contains(&name)
            && !named.iter().any(|named| named == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_connection_or_to_us_is_not_passed_on() {
        let request = actix_web::test::TestRequest::default()
            .insert_header(("connection", "close, x-private"))
            .insert_header(("x-private", "1"))
            .insert_header(("x-call-key", "forged"))
            .insert_header(("x-forwarded-for", "203.0.113.9"))
            .insert_header(("authorization", "Bearer t"))
            .peer_addr(([127, 0, 0, 1], 5).into())
            .to_http_request();
        let headers = outgoing_headers(&request);
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert!(!names.contains(&"x-private") && !names.contains(&"x-call-key"), "{names:?}");
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
        assert_eq!(headers["authorization"], "Bearer t");
    }
}
