//! What every answer has in common: its headers, and what it says of an error.

use actix_cors::CorsError;
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
        REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use crate::{Edge, Encryption, PROBLEM_JSON, Problem, observe::Arrival, via};

/// The header that names the request, to be quoted to support: the trace id.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The problem to send; `None` where the answer is no error, or says itself what is wrong.
pub(crate) fn problem_of<B: MessageBody>(response: &HttpResponse<B>) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let error = response.error();
    if let Some(problem) = error.and_then(|error| error.as_error::<Problem>()) {
        return Some(problem.clone());
    }
    if let Some(refusal) = error.and_then(|error| error.as_error::<CorsError>()) {
        let title = "The origin, method or header is not allowed for other sites";
        return Some(Problem::new(status, "cors-refused", title).detail(refusal.to_string()));
    }
    // actix's own errors are plain text with internals in it, or empty.
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_text = content_type.is_none_or(|text| text.as_bytes().starts_with(b"text/plain"));
    is_text.then(|| Problem::from_status(status))
}

/// Who is at the other end of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    /// Anybody, and often a browser.
    Public(Encryption),
    /// A program of ours that passes a client's request on: the same request, once more.
    PassedOn(Encryption),
    /// Our own programs and operators.
    Internal,
}

impl Listener {
    /// Of a public listener, for `request`.
    pub(crate) fn of(request: &HttpRequest, edge: &Edge) -> Self {
        if via::is_passed_on(request, &edge.proxies) {
            Self::PassedOn(edge.encryption)
        } else {
            Self::Public(edge.encryption)
        }
    }

    /// As metrics have it. A client's request is `public` once, wherever it goes from there.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Public(_) => "public",
            Self::PassedOn(_) => "passed_on",
            Self::Internal => "internal",
        }
    }

    /// What a browser must be told. A handler that has set one of these (the documentation page
    /// its own content policy, the public keys their cache time) keeps it.
    fn headers(self) -> impl Iterator<Item = (HeaderName, &'static str)> {
        let to_browsers = [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            (CACHE_CONTROL, "no-store"),
        ];
        let over_tls = (STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        let encryption = match self {
            Self::Public(encryption) | Self::PassedOn(encryption) => Some(encryption),
            Self::Internal => None,
        };
        let to_browsers = encryption.map(|_| to_browsers);
        let over_tls = (encryption == Some(Encryption::Tls)).then_some(over_tls);
        to_browsers.into_iter().flatten().chain(over_tls)
    }
}

/// The answer with all that every answer has; its body is the problem, where it is one.
pub(crate) fn finish<B: MessageBody + 'static>(
    response: HttpResponse<B>,
    problem: Option<Problem>,
    arrival: Arrival,
    listener: Listener,
) -> HttpResponse<EitherBody<B>> {
    let described = problem.map(|problem| problem.within(arrival.trace));
    let mut response = match &described {
        Some(problem) => {
            let body = BoxBody::new(problem.body());
            let mut response = response.map_body(|_, _| EitherBody::right(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
            response
        }
        None => response.map_into_left_body(),
    };
    let headers = response.headers_mut();
    let trace_id = format!("{:032x}", arrival.trace.trace_id);
    if let Ok(trace_id) = HeaderValue::from_str(&trace_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), trace_id);
    }
    for (name, value) in listener.headers() {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
