//! What the clients that the macro writes have in common.

use kernel::CallContext;

use crate::{CallFailure, Crossing, Method, OutgoingCall, Reply, Slot, Transport};

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

/// Sends one call and reads its answer. `context` is the call's own, already nested.
///
/// # Errors
/// The domain's refusal, or a [`CallFailure`].
pub async fn call<M: Method>(
    transport: &dyn Transport,
    context: &CallContext,
    argument: &M::Argument,
) -> Result<M::Value, M::Error> {
    let service = transport.service();
    if context.is_expired() {
        return Err(CallFailure::deadline_exceeded(service).into());
    }
    let argument = argument.write().map_err(|error| CallFailure::incompatible(service, error))?;
    let sent = transport.send(OutgoingCall { method: M::DESCRIPTOR, context, argument: &argument });
    let Ok(reply) = tokio::time::timeout_at(context.deadline().into(), sent).await else {
        return Err(CallFailure::deadline_exceeded(service).into());
    };
    match reply {
        Reply::Done(body) => {
            M::Value::read(&body).map_err(|error| CallFailure::incompatible(service, error).into())
        }
        Reply::Refused(body) => Err(M::Error::read(&body)
            .unwrap_or_else(|error| CallFailure::incompatible(service, error).into())),
        Reply::Failed(failure) => Err(failure.into()),
    }
}
