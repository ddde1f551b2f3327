//! What happens around every request: its trace, its time, its headers, and what it says when
//! something breaks.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
};
use kernel::{CallId, Ids, RandomIds, TraceContext};
use seam::headers::TRACEPARENT;
use telemetry::{Entry, errors::HOST};
use tracing::{Instrument, Span, field};

use crate::{
    Edge, Problem,
    answer::{Listener, finish, problem_of},
    faults::{self, Told},
    limits,
    metrics::InHand,
};

/// The problem of what is not to be had now, of which nothing was done.
const UNAVAILABLE: &str = "unavailable";

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
    // Now, and not when it is answered: a request that takes too long, or whose handler panics, goes
    // down with it.
    let (pattern, below) = (request.match_pattern(), Below::default());
    request.extensions_mut().insert(below.clone());
    // A HEAD is a GET of which the server sends the head only (RFC 9110 §9.3.2).
    if *request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let answer = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let route = below.route().or(pattern);
    if let Some(route) = &route {
        let name = format!("{method} {route}");
        span.record("otel.name", name).record("http.route", route.as_str());
    }
    match answer {
        Ok(answer) => {
            let (request, response) = answer.into_parts();
            let problem = problem_of(&response);
            let fault = problem.as_ref().and_then(|problem| {
                faults::tell(arrival.module, method, route.as_deref(), problem)
            });
            log(&span, listener, arrival, response.status(), problem.as_ref(), fault);
            in_hand.answered(owner, method, route, response.status());
            let mut response = finish(response, problem, arrival, listener);
            limits::write(&request, response.headers_mut());
            Ok(ServiceResponse::new(request, response))
        }
        // The answer is made by whoever turns the error into one, so what it needs goes along.
        Err(mut error) => {
            let status = error.as_response_error().status_code();
            let problem = error.as_error::<Problem>().cloned();
            let problem = problem.unwrap_or_else(|| Problem::from_status(status));
            let fault = faults::tell(arrival.module, method, route.as_deref(), &problem);
            log(&span, listener, arrival, status, Some(&problem), fault);
            in_hand.answered(owner, method, route, status);
            error.add_response_mapper(move |response| {
                finish(response, Some(problem.clone()), arrival, listener).map_into_boxed_body()
            });
            Err(error)
        }
    }
}

/// Of a method that anybody made up, nothing but that: there are few names of spans.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// The prefix that a request is below, where that is all that is known here of its route.
#[derive(Clone, Debug, Default)]
struct Below(Rc<Cell<Option<&'static str>>>);

impl Below {
    fn route(&self) -> Option<String> {
        self.0.get().map(|prefix| format!("{prefix}/*"))
    }
}

/// Says that all that is known here of the route of `request` is that it is below `prefix`: it is
/// passed on to whoever knows more.
pub fn note_below(request: &HttpRequest, prefix: &'static str) {
    if let Some(below) = request.extensions().get::<Below>() {
        below.0.set(Some(prefix));
    }
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
        (None, Listener::Public(_) | Listener::PassedOn(_)) => {
            tracing::info!(duration_ms, "request answered")
        }
        // The caller's own request is in its log.
        (None, Listener::Internal) => tracing::debug!(duration_ms, "request answered"),
    }
}
