//! What an answer says about a call.

use bytes::Bytes;
use reqwest::StatusCode;
use seam::{CallFailure, MethodDescriptor, Reply};

use crate::attempt::{Attempt, Next};

/// Who was called.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) service: &'a str,
    pub(crate) method: &'static MethodDescriptor,
}

/// A whole answer.
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    /// The header that only a port sends.
    pub(crate) outcome: Option<&'a str>,
    pub(crate) body: Bytes,
}

pub(crate) fn read(target: &Target<'_>, answer: Answer<'_>) -> Attempt {
    let service = target.service;
    match answer.outcome {
        Some("done") => Attempt::settled(Reply::Done(answer.body.into())),
        Some("refused") => Attempt::settled(Reply::Refused(answer.body.into())),
        Some("failed") => failed(target, &answer.body),
        Some(other) => Attempt::settled(Reply::Failed(CallFailure::incompatible(
            service,
            format_args!("the outcome `{other}` is unknown here"),
        ))),
        None => foreign(target, answer.status),
    }
}

/// The callee ran the call, or at least looked at it, and got no answer from its domain.
fn failed(target: &Target<'_>, body: &[u8]) -> Attempt {
    let service = target.service;
    let failure = match serde_json::from_slice(body) {
        Ok(failure) => failure,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                peer.service = service,
                "a failed call's answer could not be read"
            );
            CallFailure::outcome_unknown(service)
        }
    };
    match failure {
        // A port may be served by many modules, so the callee may know itself by the port's name.
        CallFailure::Unavailable { service: origin }
            if origin == service || origin == target.method.service =>
        {
            let reply = Reply::Failed(CallFailure::unavailable(service));
            Attempt { next: Next::Repeat, ..Attempt::settled(reply) }
        }
        // That a third party has not started says nothing about what the callee has done.
        CallFailure::Unavailable { .. } | CallFailure::OutcomeUnknown { .. } => {
            Attempt::settled(Reply::Failed(CallFailure::outcome_unknown(service)))
        }
        CallFailure::DeadlineExceeded { .. } => {
            Attempt::settled(Reply::Failed(CallFailure::deadline_exceeded(service)))
        }
        CallFailure::Incompatible { detail, .. } => {
            Attempt::settled(Reply::Failed(CallFailure::incompatible(service, detail)))
        }
    }
}

/// No port has answered: a proxy between us, another program at this address, or a listener that
/// does not know us.
fn foreign(target: &Target<'_>, status: StatusCode) -> Attempt {
    let service = target.service;
    tracing::warn!(
        http.response.status_code = status.as_u16(),
        peer.service = service,
        rpc.service = target.method.port,
        rpc.method = target.method.name,
        "an answer came from no port"
    );
    match status {
        StatusCode::UNAUTHORIZED => Attempt::settled(Reply::Failed(CallFailure::incompatible(
            service,
            "it does not take this program's token: is the program's public key among those that \
             it trusts, and is it addressed by the right name?",
        ))),
        // So proxies say that what is behind them is gone, or has gone while it worked.
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Attempt::broken(CallFailure::outcome_unknown(service))
        }
        _ => Attempt::settled(Reply::Failed(CallFailure::outcome_unknown(service))),
    }
}

#[cfg(test)]
mod tests {
    use seam::CallKind;

    use super::*;
    use crate::attempt::Health;

    static METHOD: MethodDescriptor = MethodDescriptor {
        service: "events",
        port: "EventInbox",
        version: 1,
        name: "deliver",
        kind: CallKind::Write,
    };
    const TARGET: Target<'_> = Target { service: "billing", method: &METHOD };

    fn answer(status: u16, outcome: Option<&str>, body: &str) -> Attempt {
        let status = StatusCode::from_u16(status).expect("a status");
        read(&TARGET, Answer { status, outcome, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    #[track_caller]
    fn check_failed(attempt: &Attempt, failure: CallFailure, next: Next, health: Health) {
        assert_eq!(attempt.reply, Reply::Failed(failure));
        assert_eq!((attempt.next, attempt.health), (next, health));
    }

    #[test]
    fn what_the_domain_says_is_handed_on() {
        let done = answer(200, Some("done"), "1");
        assert_eq!(done.reply, Reply::Done(b"1".to_vec()));
        let refused = answer(422, Some("refused"), r#"{"type":"x"}"#);
        assert_eq!(refused.reply, Reply::Refused(br#"{"type":"x"}"#.to_vec()));
        assert_eq!((refused.next, refused.health), (Next::Settled, Health::Answered));
    }

    #[test]
    fn the_callee_is_believed_about_itself_alone() {
        let failed = |failure: &CallFailure| {
            let body = serde_json::to_string(failure).expect("JSON");
            answer(503, Some("failed"), &body)
        };
        for name in ["billing", "events"] {
            let attempt = failed(&CallFailure::unavailable(name));
            let expected = CallFailure::unavailable("billing");
            check_failed(&attempt, expected, Next::Repeat, Health::Answered);
        }
        for failure in [CallFailure::unavailable("auth"), CallFailure::outcome_unknown("auth")] {
            let expected = CallFailure::outcome_unknown("billing");
            check_failed(&failed(&failure), expected, Next::Settled, Health::Answered);
        }
        let expected = CallFailure::deadline_exceeded("billing");
        let attempt = failed(&CallFailure::deadline_exceeded("events"));
        check_failed(&attempt, expected, Next::Settled, Health::Answered);
        let expected = CallFailure::incompatible("billing", "no such method");
        let attempt = failed(&CallFailure::incompatible("events", "no such method"));
        check_failed(&attempt, expected, Next::Settled, Health::Answered);
    }

    #[test]
    fn what_no_port_said_tells_nothing_about_the_call() {
        let unknown = || CallFailure::outcome_unknown("billing");
        for status in [502, 503, 504] {
            let attempt = answer(status, None, "upstream connect error");
            check_failed(&attempt, unknown(), Next::Repeat, Health::Broken);
        }
        for status in [200, 302, 404, 413, 500] {
            let attempt = answer(status, None, "<html>");
            check_failed(&attempt, unknown(), Next::Settled, Health::Answered);
        }
        let garbage = answer(503, Some("failed"), "<html>");
        check_failed(&garbage, unknown(), Next::Settled, Health::Answered);
    }

    #[test]
    fn a_refused_token_and_an_unknown_outcome_are_incompatible() {
        for attempt in [answer(401, None, ""), answer(200, Some("maybe"), "")] {
            let is_incompatible =
                matches!(attempt.reply, Reply::Failed(CallFailure::Incompatible { .. }));
            assert!(is_incompatible, "{attempt:?}");
            assert_eq!(attempt.next, Next::Settled);
        }
    }
}
