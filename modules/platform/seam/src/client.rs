//! What the clients that the macro writes have in common.

use kernel::CallContext;
use telemetry::conventions::ERROR_TYPE;
use tracing::{Instrument, field};
// The runtime's clock, so that a test can stop it.
use tokio::time::Instant;

use crate::{
    Answered, CallFailure, Counters, Crossing, Method, OutgoingCall, Reply, Slot, Transport,
    meter::Exchange,
};

/// The context of a call to `M` that is made on behalf of `context`.
#[must_use]
pub fn nested<M: Method>(context: &CallContext) -> CallContext {
    context.nested(M::DESCRIPTOR.port, M::DESCRIPTOR.name)
}

/// The implementation that a direct call goes to.
///
/// # Errors
/// [`CallFailure::Unavailable`] where there is none yet.
pub fn callee<M: Method, P: ?Sized>(slot: &Slot<P>) -> Result<&P, M::Error> {
    slot.get(M::DESCRIPTOR.service).map_err(Into::into)
}

/// Sends one call, reads its answer and counts it. `context` is the call's own, already nested.
///
/// # Errors
/// The domain's refusal, or a [`CallFailure`].
pub async fn call<M: Method>(
    transport: &dyn Transport,
    counters: &Counters,
    context: &CallContext,
    argument: &M::Argument,
) -> Result<M::Value, M::Error> {
    let begun = Instant::now();
    let mut exchange = Exchange::default();
    let result = exchanged::<M>(transport, context, argument, &mut exchange).await;
    if let Some(counter) = counters.of::<M>() {
        counter.remote(begun.elapsed(), &exchange, (&result).into());
    }
    result
}

async fn exchanged<M: Method>(
    transport: &dyn Transport,
    context: &CallContext,
    argument: &M::Argument,
    seen: &mut Exchange,
) -> Result<M::Value, M::Error> {
    let service = transport.service();
    if context.is_expired() {
        return Err(CallFailure::deadline_exceeded(service).into());
    }
    let writing = Instant::now();
    let argument = argument.write().map_err(|error| CallFailure::incompatible(service, error))?;
    seen.serialize = writing.elapsed();
    seen.request_bytes = argument.len();
    let method = M::DESCRIPTOR;
    let span = tracing::debug_span!(
        "port.send",
        otel.kind = "client",
        otel.name = format_args!("{}/{}", method.port, method.name),
        rpc.system = "ashlar",
        rpc.service = method.port,
        rpc.method = method.name,
        peer.service = service,
        ashlar.transport = transport.name(),
        error.type = field::Empty,
    );
    // The callee goes on from here.
    let here = telemetry::position(&span).map(|here| context.with_trace(here));
    let context = here.as_ref().unwrap_or(context);
    let sent = transport.send(OutgoingCall { method, context, argument: &argument });
    let sent = sent.instrument(span.clone());
    let Ok(answer) = tokio::time::timeout_at(context.deadline().into(), sent).await else {
        let failure = CallFailure::deadline_exceeded(service);
        span.record(ERROR_TYPE, failure.kind());
        return Err(failure.into());
    };
    if let Reply::Failed(failure) = &answer.reply {
        span.record(ERROR_TYPE, failure.kind());
    }
    let Answered { reply, callee, retries } = answer;
    (seen.callee, seen.retries) = (callee, retries);
    let reading = Instant::now();
    let result = match reply {
        Reply::Done(body) => {
            seen.response_bytes = body.len();
            M::Value::read(&body).map_err(|error| CallFailure::incompatible(service, error).into())
        }
        Reply::Refused(body) => {
            seen.response_bytes = body.len();
            Err(M::Error::read(&body)
                .unwrap_or_else(|error| CallFailure::incompatible(service, error).into()))
        }
        Reply::Failed(failure) => Err(failure.into()),
    };
    seen.serialize += reading.elapsed();
    result
}
