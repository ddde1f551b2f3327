//! The problems that are not a module's own, and what the failures of other crates become.

use std::{error::Error, time::Duration};

use actix_web::http::{StatusCode, header::WWW_AUTHENTICATE};
use seam::CallFailure;
use storage::StoreError;

use crate::Problem;

impl Problem {
    /// 404: there is no such thing, or it is not the caller's to see. The two are told alike.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such resource")
    }

    /// 403: the caller is known and may not do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The caller may not do this")
    }

    /// 422: a member of the body is well formed, but its value is refused. `pointer` is a JSON
    /// pointer into the body, as a fragment: `#/events/0/quantity` (RFC 6901 §6).
    #[must_use]
    pub fn invalid_body(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let errors = [serde_json::json!({ "pointer": pointer, "detail": detail })];
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not valid")
            .detail(format!("{pointer}: {detail}"))
            .with("errors", errors)
    }

    /// 400: a parameter in the path or the query is not what the route takes.
    #[must_use]
    pub fn invalid_parameter(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "A parameter in the path or the query is not valid",
        )
        .detail(detail.into())
    }

    /// 422: the idempotency key was used before, with another body.
    #[must_use]
    pub fn idempotency_key_reused() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The idempotency key was used before for another request",
        )
    }

    /// 409: the first request under this idempotency key has not been answered yet.
    #[must_use]
    pub fn idempotency_key_in_use(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "idempotency-key-in-use",
            "A request with this idempotency key is still in flight",
        )
        .retry_after(retry_after)
    }

    /// 500: our own fault. `cause` is logged with the trace id, and not sent.
    #[must_use]
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::from_status(StatusCode::INTERNAL_SERVER_ERROR).caused_by(cause)
    }

    /// 401 without credentials. The challenge names no error then (RFC 6750 §3.1).
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "An access token is needed")
            .header(WWW_AUTHENTICATE, "Bearer")
    }

    /// 401 with credentials that do not hold.
    pub(crate) fn token_refused(slug: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, slug, title)
            .header(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
    }

    /// 504: the request's time is up.
    pub(crate) fn deadline_exceeded() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "deadline-exceeded",
            "The request took longer than it may",
        )
        .detail("Whether it was done is unknown; send it again under the same idempotency key.")
        .retry_after(RETRY)
    }

    fn outcome_unknown(service: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome-unknown",
            "Whether the request was done is unknown",
        )
        .detail(format!(
            "{service} gave no answer; send the request again under the same idempotency key."
        ))
    }

    /// What can be said where only the status is known.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        let (slug, title) = match status {
            StatusCode::BAD_REQUEST => ("bad-request", "The request is malformed"),
            StatusCode::NOT_FOUND => return Self::not_found(),
            StatusCode::FORBIDDEN => return Self::forbidden(),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method-not-allowed", "The resource does not take this method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "The body is too large"),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "The service is unavailable"),
            status if status.is_server_error() => ("internal", "Something went wrong on our side"),
            status => {
                ("request-refused", status.canonical_reason().unwrap_or("The request is refused"))
            }
        };
        Self::new(status, slug, title)
    }
}

const RETRY: Duration = Duration::from_secs(2);

impl From<CallFailure> for Problem {
    fn from(failure: CallFailure) -> Self {
        let problem = match &failure {
            CallFailure::Unavailable { service } => {
                Self::from_status(StatusCode::SERVICE_UNAVAILABLE)
                    .detail(format!("{service} is unavailable; nothing was done."))
            }
            CallFailure::DeadlineExceeded { .. } => Self::deadline_exceeded(),
            CallFailure::OutcomeUnknown { service } => Self::outcome_unknown(service),
            CallFailure::Incompatible { .. } => Self::new(
                StatusCode::BAD_GATEWAY,
                "incompatible",
                "Two parts of the service do not understand each other",
            ),
        };
        let problem = match failure.retry_after() {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        };
        problem.caused_by(failure)
    }
}

impl From<StoreError> for Problem {
    /// A row that is not there is 404. What a module's store should have turned into a refusal of
    /// its domain, such as a key that is taken, is our own fault: 500.
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::NotFound { .. } => Self::not_found(),
            StoreError::Busy { module, .. } | StoreError::Conflict { module, .. } => {
                Self::from_status(StatusCode::SERVICE_UNAVAILABLE)
                    .detail(format!("{module} is busy; nothing was done."))
                    .retry_after(RETRY)
            }
            StoreError::CommitUnknown { module, .. } => {
                Self::outcome_unknown(module).retry_after(RETRY)
            }
            _ => Self::from_status(StatusCode::INTERNAL_SERVER_ERROR),
        };
        problem.caused_by(error)
    }
}
