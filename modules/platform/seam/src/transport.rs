//! How a remote client's calls travel.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{CallContext, CallId, CallKey, Locale, Principal, TraceContext};
use serde::{Deserialize, Serialize};

use crate::{MethodDescriptor, Reply};

/// Carries calls to one service.
///
/// Retries, the breaker and the choice of a replica are the transport's, and nobody else's. A
/// dropped future means that the caller has gone: the callee's work is to be cancelled too.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The service it leads to.
    fn service(&self) -> &str;

    /// Sends a call and waits, at most until the context's time is up.
    async fn send(&self, call: OutgoingCall<'_>) -> Reply;
}

/// A call on its way out.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingCall<'a> {
    /// What is called.
    pub method: &'static MethodDescriptor,
    /// The call's own context (already nested).
    pub context: &'a CallContext,
    /// The argument as JSON.
    pub argument: &'a [u8],
}

/// A context as it travels: the time that is *left*, since clocks differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WireContext {
    /// Who asks.
    pub principal: Principal,
    /// The operation.
    pub call_id: CallId,
    /// The call's identity.
    pub key: CallKey,
    /// Time left, in milliseconds.
    pub remaining_ms: u64,
    /// W3C `traceparent`.
    pub traceparent: String,
    /// BCP 47 tag.
    pub locale: Locale,
}

impl From<&CallContext> for WireContext {
    fn from(context: &CallContext) -> Self {
        Self {
            principal: context.principal().clone(),
            call_id: context.call_id(),
            key: context.key().clone(),
            // Rounded down: a call with less than a millisecond left is not worth starting.
            remaining_ms: u64::try_from(context.remaining().as_millis()).unwrap_or(u64::MAX),
            traceparent: context.trace().to_traceparent(),
            locale: context.locale().clone(),
        }
    }
}

impl From<WireContext> for CallContext {
    fn from(wire: WireContext) -> Self {
        let allowed = Duration::from_millis(wire.remaining_ms);
        let context = Self::new(wire.principal, wire.call_id, allowed)
            .with_key(wire.key)
            .with_locale(wire.locale);
        match TraceContext::from_traceparent(&wire.traceparent) {
            Some(trace) => context.with_trace(trace),
            None => context,
        }
    }
}

/// The headers of a call between programs. The principal is not among them: it travels inside the
/// signed token.
pub mod headers {
    /// [`super::WireContext::call_id`].
    pub const CALL_ID: &str = "x-call-id";
    /// [`super::WireContext::key`], percent-encoded where it is not ASCII.
    pub const CALL_KEY: &str = "x-call-key";
    /// [`super::WireContext::remaining_ms`].
    pub const REMAINING_MS: &str = "x-remaining-ms";
    /// [`super::WireContext::traceparent`].
    pub const TRACEPARENT: &str = "traceparent";
    /// [`super::WireContext::locale`].
    pub const LOCALE: &str = "accept-language";
    /// On an answer: `done`, `refused` or `failed`. An answer without it is not from a port.
    pub const OUTCOME: &str = "x-call-outcome";
}
