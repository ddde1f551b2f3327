//! What is counted of requests, as the semantic conventions for HTTP servers have it.

use std::{sync::LazyLock, time::Instant};

use actix_web::http::StatusCode;
use telemetry::metrics::{Histogram, KeyValue, MODULE, UpDownCounter, WAITS, durations, meter};

static REQUESTS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations(
        "http.server.request.duration",
        "From a request's head to the head of its answer",
        &WAITS,
    )
});

static IN_HAND: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    meter()
        .i64_up_down_counter("http.server.active_requests")
        .with_description("Requests that are not answered yet")
        .build()
});

/// A request, until it is answered or given up.
pub(crate) struct InHand {
    listener: &'static str,
    began: Instant,
}

impl InHand {
    pub(crate) fn new(listener: &'static str, began: Instant) -> Self {
        IN_HAND.add(1, &[KeyValue::new(LISTENER, listener)]);
        Self { listener, began }
    }

    /// Counts the answer of `module`. What matched no `route` is counted together, as anybody may make
    /// it up.
    pub(crate) fn answered(
        self,
        module: &'static str,
        method: &'static str,
        route: Option<String>,
        status: StatusCode,
    ) {
        let mut attributes = vec![
            KeyValue::new(LISTENER, self.listener),
            KeyValue::new(MODULE, module),
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
        REQUESTS.record(self.began.elapsed().as_secs_f64(), &attributes);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        IN_HAND.add(-1, &[KeyValue::new(LISTENER, self.listener)]);
    }
}

/// How it came: see `Listener::name`.
const LISTENER: &str = "listener";
