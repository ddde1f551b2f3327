//! What every remote client does.

use kernel::CallContext;
use serde::Serialize;

use crate::{CallFailure, MethodDescriptor, OutgoingCall, PortError, Reply, Transport, Wire};

/// Sends one call and reads its answer. `context` is the call's own, already nested.
///
/// # Errors
/// The domain's refusal, or a [`CallFailure`].
pub async fn call<A: Serialize + Sync, T: Wire, E: PortError>(
    transport: &dyn Transport,
    method: &'static MethodDescriptor,
    context: &CallContext,
    argument: &A,
) -> Result<T, E> {
    let service = transport.service();
    if context.is_expired() {
        return Err(CallFailure::deadline_exceeded(service).into());
    }
    let argument =
        serde_json::to_vec(argument).map_err(|error| CallFailure::incompatible(service, error))?;
    let sent = transport.send(OutgoingCall { method, context, argument: &argument });
    let Ok(reply) = tokio::time::timeout_at(context.deadline().into(), sent).await else {
        return Err(CallFailure::deadline_exceeded(service).into());
    };
    match reply {
        Reply::Done(body) => serde_json::from_slice(&body)
            .map_err(|error| CallFailure::incompatible(service, error).into()),
        Reply::Refused(body) => Err(serde_json::from_slice(&body)
            .unwrap_or_else(|error| CallFailure::incompatible(service, error).into())),
        Reply::Failed(failure) => Err(failure.into()),
    }
}
