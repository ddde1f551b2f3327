//! What clients are told of their limits: the `RateLimit` and `RateLimit-Policy` fields of
//! draft-ietf-httpapi-ratelimit-headers-11.

use std::{fmt::Write as _, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};

use super::{limiter::Verdict, store::Decision};
use crate::Problem;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The verdicts on one request, kept with it until it is answered.
#[derive(Debug, Default)]
struct Verdicts(Vec<Verdict>);

impl Verdict {
    /// Notes the verdict for the answer's headers, and turns the request away where it must be.
    pub(crate) fn apply(self, request: &HttpRequest) -> Result<(), Problem> {
        let mut extensions = request.extensions_mut();
        match extensions.get_mut::<Verdicts>() {
            Some(verdicts) => verdicts.0.push(self),
            None => drop(extensions.insert(Verdicts(vec![self]))),
        }
        match self.decision {
            Decision::Allowed { .. } => Ok(()),
            Decision::Limited { retry_after } => Err(self.problem(retry_after)),
        }
    }

    fn problem(self, retry_after: Duration) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests")
            .detail("Nothing was done; send the request again after the time in Retry-After.")
            .with("violated-policies", [self.class.name()])
            .retry_after(retry_after)
    }
}

/// Writes what was decided on `request` into the headers of its answer.
pub(crate) fn write(request: &HttpRequest, headers: &mut HeaderMap) {
    let extensions = request.extensions();
    let Some(Verdicts(verdicts)) = extensions.get::<Verdicts>() else { return };
    let (mut policies, mut limits) = (String::new(), String::new());
    for Verdict { class, quota, decision } in verdicts {
        let separator = if policies.is_empty() { "" } else { ", " };
        let (name, burst) = (class.name(), quota.burst());
        let window = seconds(quota.window());
        let (remaining, time) = match decision {
            Decision::Allowed { remaining, reset } => (*remaining, seconds(*reset)),
            Decision::Limited { retry_after } => (0, seconds(*retry_after)),
        };
        // Writing into a string cannot fail.
        let _ = write!(policies, "{separator}\"{name}\";q={burst};w={window}");
        let _ = write!(limits, "{separator}\"{name}\";r={remaining};t={time}");
    }
    for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limits)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

/// Rounded up, so that who waits so long has waited long enough; a window is never zero.
fn seconds(duration: Duration) -> u128 {
    duration.as_micros().div_ceil(1_000_000).max(1)
}
