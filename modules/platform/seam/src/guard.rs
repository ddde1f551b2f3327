//! The thin guard between a caller and an implementation.

use kernel::CallContext;
use telemetry::{
    conventions::ERROR_TYPE,
    errors::{Site, Work, caught},
};
use tracing::{Instrument, field};

use crate::{CallFailure, Method, PortError};

/// Runs an implementation's future as every client promises it: not at all where the time is up,
/// no longer than the time that is left, inside a span, with a panic and the failures of its own
/// calls turned into what the caller may know.
///
/// # Errors
/// The domain's refusal, or a [`CallFailure`].
pub async fn run<M: Method>(
    context: &CallContext,
    work: impl Future<Output = Result<M::Value, M::Error>>,
) -> Result<M::Value, M::Error> {
    let method = M::DESCRIPTOR;
    if context.is_expired() {
        return Err(CallFailure::deadline_exceeded(method.service).into());
    }
    let span = tracing::info_span!(
        "port.call",
        otel.kind = "internal",
        otel.name = format_args!("{}/{}", method.port, method.name),
        rpc.system = "ashlar",
        rpc.service = method.port,
        rpc.method = method.name,
        call.id = %context.call_id(),
        error.type = field::Empty,
    );
    let site = Site {
        module: method.service,
        work: Work::Call { port: method.port, method: method.name },
    };
    let bounded = tokio::time::timeout_at(context.deadline().into(), caught(site, work));
    let fail = |failure: CallFailure| {
        span.record(ERROR_TYPE, failure.kind());
        Err(failure.into())
    };
    match bounded.instrument(span.clone()).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => match error.call_failure() {
            Some(failure) => fail(failure.clone().seen_through(method.service)),
            None => Err(error),
        },
        Ok(Err(panic)) => {
            tracing::error!(
                rpc.service = method.port,
                rpc.method = method.name,
                exception.message = panic.message(),
                error.place = panic.place(),
                error.fingerprint = %panic.fingerprint(),
                "an implementation panicked"
            );
            fail(CallFailure::outcome_unknown(method.service))
        }
        Err(_) => fail(CallFailure::deadline_exceeded(method.service)),
    }
}
