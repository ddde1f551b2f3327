//! What an answer tells a client: done, refused, certainly not done, or nothing.

use std::time::Duration;

use reqwest::{Response, header::HeaderMap};
use serde_json::Value;

/// What a client knows after one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done; the body says what.
    Done(Value),
    /// It was refused for good, for the reason of this problem type.
    Refused {
        /// The last part of the problem's `type`.
        slug: String,
        /// All of it.
        problem: Value,
    },
    /// Certainly nothing was done; it may be sent again.
    NotDone {
        /// The problem's slug, or how the connection failed.
        why: String,
        /// What the answer asks to wait.
        wait: Option<Duration>,
    },
    /// It may have been done: only asking again tells.
    Unknown {
        /// The problem's slug, or how the connection failed.
        why: String,
        /// What the answer asks to wait.
        wait: Option<Duration>,
    },
    /// The access token is not, or no longer, good.
    SignedOut,
}

/// Reads a whole answer.
pub(super) async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match response.bytes().await {
        Ok(body) => understand(status, &headers, &body),
        // The status alone does not tell what was done.
        Err(error) => Answer::Unknown { why: why(&error), wait: None },
    }
}

/// How an exchange failed, in a word or two.
pub(super) fn why(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() { "no answer in time" } else { "broken off" };
    kind.to_owned()
}

fn understand(status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
    let wait = headers
        .get("retry-after")
        .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let json: Option<Value> =
        if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok() };
    let Some(json) = json else {
        return Answer::Unknown { why: format!("{status} without JSON"), wait };
    };
    if (200..300).contains(&status) {
        return Answer::Done(json);
    }
    let slug = json["type"].as_str().and_then(|name| name.rsplit_once(':')).map(|(_, slug)| slug);
    let Some(slug) = slug.map(str::to_owned) else {
        return Answer::Unknown { why: format!("{status} without a problem"), wait };
    };
    match (status, slug.as_str()) {
        (401, "unauthenticated" | "token-invalid" | "token-expired") => Answer::SignedOut,
        // The first request under the key is still at work.
        (409, "idempotency-key-in-use") => Answer::Unknown { why: slug, wait },
        // Another request of the tenant is being paid for; this one has stored nothing.
        (409, _) if wait.is_some() => Answer::NotDone { why: slug, wait },
        (429, _) => Answer::NotDone { why: slug, wait },
        (503, "unavailable" | "overloaded" | "payment-provider-unavailable") => {
            Answer::NotDone { why: slug, wait }
        }
        (500.., _) => Answer::Unknown { why: slug, wait },
        _ => Answer::Refused { slug, problem: json },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(status: u16, slug: &str, wait: Option<&str>) -> Answer {
        let body = json!({ "type": format!("urn:ashlar:problem:{slug}"), "status": status });
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            headers.insert("retry-after", wait.parse().expect("a header"));
        }
        understand(status, &headers, body.to_string().as_bytes())
    }

    #[test]
    fn what_is_done_is_done_with_or_without_a_body() {
        let none = HeaderMap::new();
        assert_eq!(understand(204, &none, b""), Answer::Done(Value::Null));
        assert_eq!(understand(201, &none, b"{\"id\":1}"), Answer::Done(json!({ "id": 1 })));
    }

    #[test]
    fn only_what_says_so_was_certainly_not_done() {
        let wait = Some(Duration::from_secs(2));
        let why = "unavailable".to_owned();
        assert_eq!(problem(503, "unavailable", Some("2")), Answer::NotDone { why, wait });
        for (status, slug) in [
            (503, "outcome-unknown"),
            (503, "payment-outcome-unknown"),
            (504, "deadline-exceeded"),
            (500, "internal"),
            (502, "incompatible"),
            (409, "idempotency-key-in-use"),
        ] {
            let answer = problem(status, slug, Some("2"));
            assert_eq!(answer, Answer::Unknown { why: slug.to_owned(), wait }, "{status}");
        }
    }

    #[test]
    fn a_refusal_is_the_domain_s() {
        for (status, slug) in
            [(402, "payment-declined"), (403, "no-free-seat"), (409, "already-subscribed")]
        {
            assert!(matches!(problem(status, slug, None), Answer::Refused { .. }), "{slug}");
        }
        assert_eq!(problem(401, "token-expired", None), Answer::SignedOut);
        let wrong = problem(401, "invalid-credentials", None);
        assert!(matches!(wrong, Answer::Refused { .. }));
        let beginning = problem(409, "already-subscribed", Some("13"));
        assert!(matches!(beginning, Answer::NotDone { .. }));
    }

    #[test]
    fn garbage_tells_nothing() {
        let none = HeaderMap::new();
        for (status, body) in
            [(200, "<h1>hello</h1>"), (404, "<h1>no</h1>"), (502, "{}"), (404, "{}")]
        {
            let answer = understand(status, &none, body.as_bytes());
            assert!(matches!(answer, Answer::Unknown { .. }), "{status} {body}");
        }
    }
}
