//! What a handler may not do to the program: take for ever, or panic.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use telemetry::errors::{HOST, Site, Work, caught};

use crate::{
    Problem,
    observe::{Arrival, known},
};

/// The innermost layer: bounds the time of a handler and survives its panic.
pub(crate) async fn guard<B: MessageBody>(
    allowed: Duration,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let module = request.extensions().get::<Arrival>().map_or(HOST, |arrival| arrival.module);
    let site = Site { module, work: Work::Request(known(request.method())) };
    let work = caught(site, async move { next.call(request).await });
    match tokio::time::timeout(allowed, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => Err(Problem::internal(panic).into()),
        Err(_) => Err(Problem::deadline_exceeded().into()),
    }
}
