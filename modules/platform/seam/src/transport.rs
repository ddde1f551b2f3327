//! How a remote client's calls travel.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{CallContext, CallId, CallKey, Locale, Principal, TraceContext};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MethodDescriptor, Reply, Timing};

/// Carries calls to one service.
///
/// Retries, the breaker and the choice of a replica are the transport's, and nobody else's. A
/// dropped future means that the caller has gone: the callee's work is to be cancelled too.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The service it leads to.
    fn service(&self) -> &str;

    /// What figures call it, such as `http`.
    fn name(&self) -> &'static str;

    /// Sends a call and waits, at most until the context's time is up.
    async fn send(&self, call: OutgoingCall<'_>) -> Answered;
}

/// What a transport brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub reply: Reply,
    /// How long the callee took, where it told.
    pub callee: Option<Timing>,
    /// How many times the call was sent after the first.
    pub retries: u32,
}

impl From<Reply> for Answered {
    /// At the first attempt, from a callee that told nothing.
    fn from(reply: Reply) -> Self {
        Self { reply, callee: None, retries: 0 }
    }
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

impl WireContext {
    /// The context as headers, all but the principal, who travels inside the signed token.
    #[must_use]
    pub fn to_headers(&self) -> [(&'static str, String); 5] {
        [
            (headers::CALL_ID, self.call_id.to_string()),
            (headers::CALL_KEY, encode(self.key.as_str())),
            (headers::REMAINING_MS, self.remaining_ms.to_string()),
            (headers::TRACEPARENT, self.traceparent.clone()),
            (headers::LOCALE, self.locale.as_str().to_owned()),
        ]
    }

    /// Reads what [`WireContext::to_headers`] wrote; `header` looks a header up by its name.
    ///
    /// # Errors
    /// Names the header that is missing or malformed. A missing locale is the default one, and a
    /// missing trace a new one.
    pub fn from_headers<'a>(
        principal: Principal,
        header: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Result<Self, BadHeader> {
        let call_id: Uuid = required(&header, headers::CALL_ID, |text| text.parse().ok())?;
        Ok(Self {
            principal,
            call_id: CallId(call_id),
            key: CallKey::new(required(&header, headers::CALL_KEY, decode)?),
            remaining_ms: required(&header, headers::REMAINING_MS, |text| text.parse().ok())?,
            traceparent: header(headers::TRACEPARENT).unwrap_or_default().to_owned(),
            locale: Locale::from(header(headers::LOCALE).unwrap_or_default().to_owned()),
        })
    }
}

/// A call came without one of its headers, or with a malformed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header `{0}` is missing or malformed")]
pub struct BadHeader(pub &'static str);

fn required<'a, T>(
    header: impl Fn(&'static str) -> Option<&'a str>,
    name: &'static str,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, BadHeader> {
    header(name).and_then(parse).ok_or(BadHeader(name))
}

/// Percent-encodes what a header may not hold, and the percent sign.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = rest.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
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
    /// [`super::WireContext::key`], percent-encoded where it is not printable ASCII.
    pub const CALL_KEY: &str = "x-call-key";
    /// [`super::WireContext::remaining_ms`].
    pub const REMAINING_MS: &str = "x-remaining-ms";
    /// [`super::WireContext::traceparent`].
    pub const TRACEPARENT: &str = "traceparent";
    /// [`super::WireContext::locale`].
    pub const LOCALE: &str = "accept-language";
    /// On an answer: `done`, `refused` or `failed`. An answer without it is not from a port.
    pub const OUTCOME: &str = "x-call-outcome";
    /// On an answer of a port: [`crate::Timing`].
    pub const SERVER_TIMING: &str = "server-timing";
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn wire(key: &str) -> WireContext {
        let context =
            CallContext::new(Principal::Anonymous, CallId(Uuid::from_u128(7)), Duration::ZERO);
        WireContext::from(&context.with_key(CallKey::new(key)))
    }

    proptest! {
        #[test]
        fn any_key_survives_the_headers(key in "\\PC{0,80}|[%a-f0-9 \n]{0,20}") {
            let wire = wire(&key);
            let headers: HashMap<&str, String> = wire.to_headers().into();
            for value in headers.values() {
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
            }
            let read = WireContext::from_headers(Principal::Anonymous, |name| {
                headers.get(name).map(String::as_str)
            });
            let read = read.expect("what was written can be read");
            prop_assert_eq!(read.key.as_str(), key.as_str());
            prop_assert_eq!(read.call_id, wire.call_id);
            prop_assert_eq!(read.traceparent, wire.traceparent);
        }
    }

    #[test]
    fn a_missing_or_malformed_header_is_named() {
        let headers: HashMap<&str, String> = wire("k").to_headers().into();
        for name in [headers::CALL_ID, headers::CALL_KEY, headers::REMAINING_MS] {
            for broken in [None, Some("%z")] {
                let read = WireContext::from_headers(Principal::Anonymous, |asked| {
                    if asked == name { broken } else { headers.get(asked).map(String::as_str) }
                });
                assert_eq!(read.expect_err("broken"), BadHeader(name));
            }
        }
    }
}
