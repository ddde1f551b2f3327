//! The callee's side of a port.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::CallContext;

use crate::{CallFailure, Crossing, Method, PortDescriptor, PortError, Slot};

/// Takes calls of one port off the wire.
#[async_trait]
pub trait Dispatch: Send + Sync + 'static {
    /// The port it serves.
    fn port(&self) -> &'static PortDescriptor;

    /// Runs `method` with the JSON `argument`.
    async fn dispatch(&self, context: &CallContext, method: &str, argument: &[u8]) -> Reply;
}

/// A port that a program serves to others.
#[derive(Clone)]
pub struct ServedPort {
    /// The name under which it is called: the module's. It is the descriptor's own, save for
    /// [`crate::EventInbox`], which every module serves.
    pub service: String,
    /// The callee's side.
    pub dispatch: Arc<dyn Dispatch>,
}

impl std::fmt::Debug for ServedPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let port = self.dispatch.port();
        f.debug_struct("ServedPort")
            .field("service", &self.service)
            .field("port", &port.name)
            .field("version", &port.version)
            .finish()
    }
}

/// An answer on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The result as JSON.
    Done(Vec<u8>),
    /// The domain's refusal as JSON.
    Refused(Vec<u8>),
    /// No answer from the domain.
    Failed(CallFailure),
}

/// Reads the argument, runs the implementation in `slot` behind the guard, writes the answer.
pub async fn handle<'a, M: Method, P: ?Sized, F>(
    slot: &'a Slot<P>,
    context: &'a CallContext,
    argument: &[u8],
    implementation: impl FnOnce(&'a P, M::Argument) -> F + Send,
) -> Reply
where
    F: Future<Output = Result<M::Value, M::Error>> + Send,
{
    let service = M::DESCRIPTOR.service;
    let incompatible =
        |error: serde_json::Error| Reply::Failed(CallFailure::incompatible(service, error));
    let callee = match slot.get(service) {
        Ok(callee) => callee,
        Err(failure) => return Reply::Failed(failure),
    };
    let argument = match M::Argument::read(argument) {
        Ok(argument) => argument,
        Err(error) => return incompatible(error),
    };
    match crate::run::<M>(context, implementation(callee, argument)).await {
        Ok(value) => value.write().map_or_else(incompatible, Reply::Done),
        Err(error) => match error.call_failure() {
            Some(failure) => Reply::Failed(failure.clone()),
            None => error.write().map_or_else(incompatible, Reply::Refused),
        },
    }
}

/// The answer to a method that this build does not have.
#[must_use]
pub fn unknown_method(port: &PortDescriptor, method: &str) -> Reply {
    let detail = format!("{} version {} has no method `{method}`", port.name, port.version);
    Reply::Failed(CallFailure::incompatible(port.service, detail))
}
