//! The one shape of an error answer.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
    },
};
use kernel::TraceContext;
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type of a problem (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

const TYPE_PREFIX: &str = "urn:ashlar:problem:";

/// An RFC 9457 problem: what a client is told of an error.
///
/// The `type` is `urn:ashlar:problem:<slug>`; clients act on it, so a slug never changes its
/// meaning. What only operators may know goes into [`Problem::caused_by`], which is logged once,
/// with the trace id, and never sent.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    slug: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    trace_id: Option<u128>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// `slug` is the stable name, in kebab case; `title` says the same to people and does not vary
    /// from one occurrence to the next.
    #[must_use]
    pub fn new(
        status: StatusCode,
        slug: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            slug: slug.into(),
            title: title.into(),
            detail: None,
            trace_id: None,
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// What is particular to this occurrence. Sent to the client: no internals, no secrets.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an extension member (RFC 9457 §3.2). The standard's own members cannot be replaced, and
    /// a value that has no JSON form is left out.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Serialize) -> Self {
        let member = member.into();
        if let (false, Ok(value)) = (OWN_MEMBERS.contains(&&*member), serde_json::to_value(value)) {
            self.0.members.insert(member, value);
        }
        self
    }

    /// Asks the client to wait so long before it tries again; sent in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        // The last word counts: two of these would contradict each other.
        self.0.headers.retain(|(name, _)| *name != RETRY_AFTER);
        self.header(RETRY_AFTER, seconds.to_string())
    }

    /// Adds a header to the answer. A value that no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.0.headers.push((name, value));
        }
        self
    }

    /// Why it came to this, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// The problem as it occurred within `trace`. The listeners do this for every answer.
    #[must_use]
    pub fn within(mut self, trace: TraceContext) -> Self {
        self.0.trace_id = Some(trace.trace_id);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable name, without the prefix of `type`.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The members of the answer without the trace id: what is stored for a repetition under the
    /// same idempotency key. See [`crate::Replayed`].
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut parts = self.0.clone();
        parts.trace_id = None;
        serde_json::to_value(Document::from(&*parts)).unwrap_or_default()
    }

    /// A problem that was stored with [`Problem::to_json`].
    pub(crate) fn from_json(status: StatusCode, stored: Value) -> Self {
        let Value::Object(mut members) = stored else {
            return Self::from_status(status);
        };
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (kind, title, detail) = (text("type"), text("title"), text("detail"));
        members.retain(|name, _| !OWN_MEMBERS.contains(&name.as_str()));
        let slug = kind.map(|kind| match kind.strip_prefix(TYPE_PREFIX) {
            Some(slug) => slug.to_owned(),
            None => kind,
        });
        let generic = Self::from_status(status);
        let mut problem = Self::new(
            status,
            slug.map_or_else(|| generic.0.slug.clone(), Cow::Owned),
            title.map_or_else(|| generic.0.title.clone(), Cow::Owned),
        );
        problem.0.detail = detail.map(Cow::Owned);
        problem.0.members = members;
        problem
    }

    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        // Neither the strings nor the members can fail to serialize; an empty body is still better
        // than a panic on the way out.
        serde_json::to_vec(&Document::from(&*self.0)).unwrap_or_default()
    }
}

const OWN_MEMBERS: [&str; 6] = ["type", "title", "status", "detail", "instance", "trace_id"];

/// The members in the order in which people read them.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl<'a> From<&'a Parts> for Document<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self {
            r#type: format!("{TYPE_PREFIX}{}", parts.slug),
            title: &parts.title,
            status: parts.status.as_u16(),
            detail: parts.detail.as_deref(),
            trace_id: parts.trace_id.map(|id| format!("{id:032x}")),
            members: &parts.members,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.slug)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        for header in self.headers() {
            response.append_header(header.clone());
        }
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        response.body(self.body())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_it_is_and_keeps_its_cause() {
        let problem = Problem::new(StatusCode::CONFLICT, "seat-taken", "The seat is taken")
            .detail("Seat 17.")
            .with("seat", 17)
            .with("type", "another")
            .retry_after(Duration::from_millis(1_001))
            .caused_by(fmt::Error);
        assert_eq!(
            problem.to_json(),
            json!({
                "type": "urn:ashlar:problem:seat-taken",
                "title": "The seat is taken",
                "status": 409,
                "detail": "Seat 17.",
                "seat": 17,
            })
        );
        assert!(problem.source().is_some());
        let response = problem.error_response();
        assert_eq!(response.headers().get(RETRY_AFTER), Some(&HeaderValue::from_static("2")));
        assert_eq!(
            response.headers().get(CONTENT_TYPE),
            Some(&HeaderValue::from_static(PROBLEM_JSON))
        );
    }

    #[test]
    fn what_was_stored_is_the_same_problem_again() {
        let first = Problem::forbidden().detail("Not yours.").with("required_role", "owner");
        let again = Problem::from_json(first.status(), first.to_json());
        assert_eq!((again.slug(), again.to_json()), (first.slug(), first.to_json()));
    }
}
