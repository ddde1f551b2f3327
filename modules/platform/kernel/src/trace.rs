//! Where a call stands in a distributed trace.

use crate::CallId;

/// The position of a call in a distributed trace (W3C Trace Context, level 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Names the trace; never zero.
    pub trace_id: u128,
    /// Names the caller's span; never zero.
    pub span_id: u64,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

impl TraceContext {
    /// A new trace named by the operation, which nobody records yet.
    #[must_use]
    pub fn derived_from(call_id: CallId) -> Self {
        let trace_id = call_id.0.as_u128();
        let (high, low) = call_id.0.as_u64_pair();
        Self {
            trace_id: trace_id.max(1),
            span_id: (high.rotate_left(32) ^ low).max(1),
            sampled: false,
        }
    }

    /// Reads a `traceparent` header; `None` where it is malformed, as the standard asks.
    #[must_use]
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower_hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let known = lower_hex(version, 2) && version != "ff" && lower_hex(flags, 2);
        // Version 00 has exactly four fields; later versions may append some.
        if !known || !lower_hex(trace, 32) || !lower_hex(span, 16) {
            return None;
        }
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }

    /// The `traceparent` header that continues this trace.
    #[must_use]
    pub fn to_traceparent(self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_traceparents_of_the_standard() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = TraceContext::from_traceparent(header).expect("the standard's example");
        assert_eq!(trace.to_traceparent(), header);
        for malformed in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        ] {
            assert_eq!(TraceContext::from_traceparent(malformed), None, "{malformed}");
        }
    }
}
