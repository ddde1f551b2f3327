//! The client for tests: in process, but over the wire.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use kernel::CallContext;

use crate::{
    Answered, CallFailure, CallKind, Dispatch, Handled, OutgoingCall, Reply, Transport, WireContext,
};

/// Carries calls to a [`Dispatch`] in the same process, through the wire format both ways.
///
/// What a network does to a system, it does on purpose: a call may arrive twice. A write that
/// answers its repetition differently, or that has not recorded its outcome, fails the test.
pub struct Loopback {
    service: String,
    callee: Arc<dyn Dispatch>,
    repeat: Repeat,
    calls: AtomicU64,
}

/// Which calls arrive twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// None.
    Never,
    /// Every second one.
    EverySecond,
    /// All.
    Always,
}

impl Loopback {
    /// Leads to `callee`, which serves as `service`.
    pub fn new(service: impl Into<String>, callee: Arc<dyn Dispatch>, repeat: Repeat) -> Self {
        Self { service: service.into(), callee, repeat, calls: AtomicU64::new(0) }
    }

    fn arrives_twice(&self) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.repeat {
            Repeat::Never => false,
            Repeat::EverySecond => call.is_multiple_of(2),
            Repeat::Always => true,
        }
    }

    async fn arrive(&self, call: &OutgoingCall<'_>) -> (Handled, bool) {
        let wire = serde_json::to_vec(&WireContext::from(call.context))
            .and_then(|bytes| serde_json::from_slice::<WireContext>(&bytes));
        let context = match wire {
            Ok(wire) => CallContext::from(wire),
            Err(error) => {
                let failure = CallFailure::incompatible(&self.service, error);
                return (Reply::Failed(failure).into(), false);
            }
        };
        let handled = self.callee.dispatch(&context, call.method.name, call.argument).await;
        (handled, context.was_recorded())
    }
}

#[async_trait]
impl Transport for Loopback {
    fn service(&self) -> &str {
        &self.service
    }

    fn name(&self) -> &'static str {
        "loopback"
    }

    async fn send(&self, call: OutgoingCall<'_>) -> Answered {
        let (first, recorded) = self.arrive(&call).await;
        let is_write = call.method.kind == CallKind::Write;
        let (port, method) = (call.method.port, call.method.name);
        assert!(
            !is_write || recorded || !matches!(first.reply, Reply::Done(_)),
            "{port}.{method} is a write and returned without recording its outcome: \
             do its work inside the store's `once`, or mark the context as recorded"
        );
        if matches!(first.reply, Reply::Failed(_)) || !self.arrives_twice() {
            return first.into();
        }
        let (second, _) = self.arrive(&call).await;
        assert!(
            !is_write || second.reply == first.reply || matches!(second.reply, Reply::Failed(_)),
            "{port}.{method} is a write and answered its repetition differently: \
             first {:?}, then {:?}",
            first.reply,
            second.reply
        );
        if matches!(second.reply, Reply::Failed(_)) { first.into() } else { second.into() }
    }
}

impl From<Handled> for Answered {
    fn from(Handled { reply, timing }: Handled) -> Self {
        Self { reply, callee: Some(timing), retries: 0 }
    }
}
