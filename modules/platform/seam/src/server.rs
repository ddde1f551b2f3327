//! The callee's side of a port.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::CallContext;

// The runtime's clock, so that a test can stop it.
use tokio::time::Instant;

use crate::{CallFailure, Crossing, Method, PortDescriptor, PortError, Slot, Timing};

/// Takes calls of one port off the wire.
#[async_trait]
pub trait Dispatch: Send + Sync + 'static {
    /// The port it serves.
    fn port(&self) -> &'static PortDescriptor;

    /// Runs `method` with the JSON `argument`.
    async fn dispatch(&self, context: &CallContext, method: &str, argument: &[u8]) -> Handled;
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

/// What a callee answers, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// What it answers.
    pub reply: Reply,
    /// How long it took, without [`Timing::queue`], which whoever took the call off the wire knows.
    pub timing: Timing,
}

impl From<Reply> for Handled {
    /// Took no time.
    fn from(reply: Reply) -> Self {
        Self { reply, timing: Timing::default() }
    }
}

/// Reads the argument, runs the implementation in `slot` behind the guard, writes the answer.
pub async fn handle<'a, M: Method, P: ?Sized, F>(
    slot: &'a Slot<P>,
    context: &'a CallContext,
    argument: &[u8],
    implementation: impl FnOnce(&'a P, M::Argument) -> F + Send,
) -> Handled
where
    F: Future<Output = Result<M::Value, M::Error>> + Send,
{
    let service = M::DESCRIPTOR.service;
    let incompatible =
        |error: serde_json::Error| Reply::Failed(CallFailure::incompatible(service, error));
    let callee = match slot.get(service) {
        Ok(callee) => callee,
        Err(failure) => return Reply::Failed(failure).into(),
    };
    let begun = Instant::now();
    let argument = match M::Argument::read(argument) {
        Ok(argument) => argument,
        Err(error) => return incompatible(error).into(),
    };
    let read = Instant::now();
    let result = crate::run::<M>(context, implementation(callee, argument)).await;
    let handled = Instant::now();
    let reply = match result {
        Ok(value) => value.write().map_or_else(incompatible, Reply::Done),
        Err(error) => match error.call_failure() {
            Some(failure) => Reply::Failed(failure.clone()),
            None => error.write().map_or_else(incompatible, Reply::Refused),
        },
    };
    let serialize = (read - begun) + handled.elapsed();
    Handled { reply, timing: Timing { handle: handled - read, serialize, ..Timing::default() } }
}

/// The answer to a method that this build does not have.
#[must_use]
pub fn unknown_method(port: &PortDescriptor, method: &str) -> Handled {
    let detail = format!("{} version {} has no method `{method}`", port.name, port.version);
    Reply::Failed(CallFailure::incompatible(port.service, detail)).into()
}
