//! The callee's side of a port.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::CallContext;
use serde::de::DeserializeOwned;

use crate::{CallFailure, MethodDescriptor, PortDescriptor, PortError, Wire};

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

/// Reads the argument, runs the implementation behind the guard, writes the answer.
pub async fn handle<A, T, E, F>(
    method: &'static MethodDescriptor,
    context: &CallContext,
    argument: &[u8],
    implementation: impl FnOnce(A) -> F + Send,
) -> Reply
where
    A: DeserializeOwned,
    T: Wire,
    E: PortError,
    F: Future<Output = Result<T, E>> + Send,
{
    let incompatible =
        |error: serde_json::Error| Reply::Failed(CallFailure::incompatible(method.service, error));
    let argument = match serde_json::from_slice(argument) {
        Ok(argument) => argument,
        Err(error) => return incompatible(error),
    };
    match crate::run(method, context, implementation(argument)).await {
        Ok(value) => serde_json::to_vec(&value).map_or_else(incompatible, Reply::Done),
        Err(error) => match error.call_failure() {
            Some(failure) => Reply::Failed(failure.clone()),
            None => serde_json::to_vec(&error).map_or_else(incompatible, Reply::Refused),
        },
    }
}

/// The answer to a method that this build does not have.
#[must_use]
pub fn unknown_method(port: &PortDescriptor, method: &str) -> Reply {
    let detail = format!("{} version {} has no method `{method}`", port.name, port.version);
    Reply::Failed(CallFailure::incompatible(port.service, detail))
}
