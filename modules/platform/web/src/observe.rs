//! What happens around every request: its trace, its time, its headers, and what it says when
//! something breaks.

use std::time::{Duration, Instant};

use actix_cors::CorsError;
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
            REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
};
use kernel::{CallId, Ids, RandomIds, TraceContext};
use seam::headers::TRACEPARENT;
use telemetry::{Entry, errors::HOST};
use tracing::{Instrument, Span, field};

use crate::{
    Edge, Encryption, PROBLEM_JSON, Problem,
    faults::{self, Told},
    limits,
    metrics::InHand,
};

/// The problem of what is not to be had now, of which nothing was done.
const UNAVAILABLE: &str = "unavailable";

/// The header that names the request, to be quoted to support: the trace id.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) call_id: CallId,
    /// Where the request itself stands.
    pub(crate) trace: TraceContext,
    begins: Entry,
    pub(crate) at: Instant,
    /// Who answers it.
    pub(crate) module: &'static str,
}

impl Arrival {
    /// The arrival that the listener noted; a request that came past it arrives now.
    pub(crate) fn of(request: &HttpRequest, edge: &Edge) -> Self {
        let noted = request.extensions().get::<Self>().copied();
        noted.unwrap_or_else(|| Self::now(request, &*edge.ids))
    }

    /// Continues the client's trace, or starts one that is named as the call.
    pub(crate) fn now(request: &HttpRequest, ids: &dyn Ids) -> Self {
        let call_id = CallId(ids.next());
        let own = TraceContext::derived_from(call_id);
        let given = request.headers().get(TRACEPARENT).and_then(|header| header.to_str().ok());
        let (trace, begins) = match given.and_then(TraceContext::from_traceparent) {
            Some(given) => {
                (TraceContext { span_id: own.span_id, ..given }, Entry::Continues(given))
            }
            None => (own, Entry::Begins(own.trace_id)),
        };
        Self { call_id, trace, begins, at: Instant::now(), module: HOST }
    }

    /// The span of a request, with which this program's part of its trace begins.
    fn span(&mut self, method: &'static str) -> Span {
        let span = telemetry::entry(self.begins, || {
            tracing::info_span!(
                "http.request",
                otel.kind = "server",
                otel.name = method,
                http.request.method = method,
                http.route = field::Empty,
                http.response.status_code = field::Empty,
                error.type = field::Empty,
            )
        });
        self.trace = telemetry::position(&span).unwrap_or(self.trace);
        span
    }
}

/// The trace that `request` belongs to, for whoever passes it on to another program.
#[must_use]
pub fn trace_of(request: &HttpRequest) -> TraceContext {
    let noted = request.extensions().get::<Arrival>().map(|arrival| arrival.trace);
    noted.unwrap_or_else(|| Arrival::now(request, &RandomIds).trace)
}

/// How long ago the listener had the head of `request`; no time at all for one that came past it.
pub(crate) fn since_arrival(request: &HttpRequest) -> Duration {
    let noted = request.extensions().get::<Arrival>().map(|arrival| arrival.at);
    noted.map_or(Duration::ZERO, |at| at.elapsed())
}

/// The outermost layer: notes the arrival, opens the span, and finishes whatever answer comes out.
/// `owner` is the module whose fault it is where something goes wrong.
pub(crate) async fn observe<B: MessageBody + 'static>(
    ids: &dyn Ids,
    listener: Listener,
    owner: &'static str,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let mut arrival = Arrival::now(request.request(), ids);
    arrival.module = owner;
    let method = known(request.method());
    let span = arrival.span(method);
    request.extensions_mut().insert(arrival);
    let in_hand = InHand::new(listener.name(), arrival.at);
    // A HEAD is a GET of which the server sends the head only (RFC 9110 §9.3.2).
    if *request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let answer = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    match answer {
        Ok(answer) => {
            let route = route_of(answer.request());
            if let Some(route) = &route {
                let name = format!("{method} {route}");
                span.record("otel.name", name).record("http.route", route.as_str());
            }
            let (request, response) = answer.into_parts();
            let problem = problem_of(&response);
            let fault = problem.as_ref().and_then(|problem| {
                faults::tell(arrival.module, method, route.as_deref(), problem)
            });
            log(&span, listener, arrival, response.status(), problem.as_ref(), fault);
            in_hand.answered(method, route, response.status());
            let mut response = finish(response, problem, arrival, listener);
            limits::write(&request, response.headers_mut());
            Ok(ServiceResponse::new(request, response))
        }
        // The request is gone with the future that failed; the answer is made by whoever turns the
        // error into one, so what it needs goes along.
        Err(mut error) => {
            let status = error.as_response_error().status_code();
            let problem = error.as_error::<Problem>().cloned();
            let problem = problem.unwrap_or_else(|| Problem::from_status(status));
            let fault = faults::tell(arrival.module, method, None, &problem);
            log(&span, listener, arrival, status, Some(&problem), fault);
            in_hand.answered(method, None, status);
            error.add_response_mapper(move |response| {
                finish(response, Some(problem.clone()), arrival, listener).map_into_boxed_body()
            });
            Err(error)
        }
    }
}

/// Of a method that anybody made up, nothing but that: there are few names of spans.
pub(crate) fn known(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("_OTHER", |at| NAMES[at])
}

/// Whatever is below a prefix, where that is all that is known here of a request's route.
struct Below(&'static str);

/// Says that `request` is for what is below `prefix`, and is passed on to whoever knows more.
pub fn is_below(request: &HttpRequest, prefix: &'static str) {
    request.extensions_mut().insert(Below(prefix));
}

fn route_of(request: &HttpRequest) -> Option<String> {
    let below = request.extensions().get::<Below>().map(|Below(prefix)| format!("{prefix}/*"));
    below.or_else(|| request.match_pattern())
}

/// The problem to send; `None` where the answer is no error, or says itself what is wrong.
fn problem_of<B: MessageBody>(response: &HttpResponse<B>) -> Option<Problem> {
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

/// Once per request. A failure of ours is logged with what caused it, here and nowhere else. What is
/// unavailable, of which nothing was done, is none: under overload it is said a thousand times a second.
fn log(
    span: &Span,
    listener: Listener,
    arrival: Arrival,
    status: StatusCode,
    problem: Option<&Problem>,
    fault: Option<Told>,
) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("error.type", problem.map_or(status.as_str(), Problem::slug));
    }
    let duration_ms = u64::try_from(arrival.at.elapsed().as_millis()).unwrap_or(u64::MAX);
    match (problem, listener) {
        (Some(problem), _) if problem.slug() == UNAVAILABLE => tracing::warn!(
            problem.slug = problem.slug(),
            error = std::error::Error::source(problem),
            duration_ms,
            "request turned away"
        ),
        (Some(problem), _) if status.is_server_error() => tracing::error!(
            problem.slug = problem.slug(),
            error = std::error::Error::source(problem),
            error.place = fault.as_ref().map(|fault| fault.place.as_str()),
            error.fingerprint = fault.as_ref().map(|fault| field::display(fault.fingerprint)),
            duration_ms,
            "request failed"
        ),
        (Some(problem), _) => {
            tracing::info!(problem.slug = problem.slug(), duration_ms, "request refused");
        }
        (None, Listener::Public(_)) => tracing::info!(duration_ms, "request answered"),
        // The caller's own request is in its log.
        (None, Listener::Internal) => tracing::debug!(duration_ms, "request answered"),
    }
}

/// Who is at the other end of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    /// Anybody, and often a browser.
    Public(Encryption),
    /// Our own programs and operators.
    Internal,
}

impl Listener {
    const fn name(self) -> &'static str {
        match self {
            Self::Public(_) => "public",
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
        let (to_browsers, over_tls) = match self {
            Self::Public(Encryption::Tls) => (Some(to_browsers), Some(over_tls)),
            Self::Public(Encryption::Plain) => (Some(to_browsers), None),
            Self::Internal => (None, None),
        };
        to_browsers.into_iter().flatten().chain(over_tls)
    }
}

fn finish<B: MessageBody + 'static>(
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
