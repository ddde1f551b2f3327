//! Requests that may be sent again.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use futures_util::future::LocalBoxFuture;
use kernel::CallKey;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{Problem, body};

const HEADER: &str = "idempotency-key";

/// The client's name for an operation: the header `Idempotency-Key`, 1 to 255 visible ASCII
/// characters.
///
/// As an extractor it answers 400 `idempotency-key-missing` or `idempotency-key-invalid`. Name it
/// in `params(…)` of `#[utoipa::path]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for IdempotencyKey {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<IdempotencyKey> for CallKey {
    fn from(key: IdempotencyKey) -> Self {
        Self::new(key.0)
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key_of(request).and_then(|key| {
            key.ok_or_else(|| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "idempotency-key-missing",
                    "The header Idempotency-Key is needed",
                )
            })
        }))
    }
}

/// A request that may be sent again: its [`IdempotencyKey`] with the [`BodyHash`] that tells a
/// repetition from another request under the same key.
///
/// As an extractor it answers as the two do. Name it in `params(…)` of `#[utoipa::path]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The client's name for the request, unique within its tenant and route.
    pub key: String,
    /// What was asked under it.
    pub body_hash: String,
}

impl FromRequest for RequestKey {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = IdempotencyKey::from_request(request, payload);
        let hash = BodyHash::from_request(request, payload);
        Box::pin(async move { Ok(Self { key: key.await?.0, body_hash: hash.await?.0 }) })
    }
}

/// A [`RequestKey`] that a client may leave out. One that is sent must be valid: the extractor
/// answers 400 `idempotency-key-invalid` otherwise, which an `Option<RequestKey>` would not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptionalRequestKey(pub Option<RequestKey>);

impl FromRequest for OptionalRequestKey {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = key_of(request);
        let hash = BodyHash::from_request(request, payload);
        Box::pin(async move {
            let Some(key) = key? else { return Ok(Self(None)) };
            Ok(Self(Some(RequestKey { key: key.0, body_hash: hash.await?.0 })))
        })
    }
}

fn key_of(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut headers = request.headers().get_all(HEADER);
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => read_key(key).map(Some).ok_or_else(invalid_key),
        (Some(_), Some(_)) => Err(invalid_key()),
    }
}

fn read_key(key: &HeaderValue) -> Option<IdempotencyKey> {
    let key = key.to_str().ok()?.trim();
    let fits = (1..=CallKey::MAX_LENGTH).contains(&key.len());
    (fits && key.bytes().all(|byte| byte.is_ascii_graphic()))
        .then(|| IdempotencyKey(key.to_owned()))
}

fn invalid_key() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "idempotency-key-invalid",
        "The header Idempotency-Key is not valid",
    )
    .detail("Send it once, with 1 to 255 visible ASCII characters.")
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter(Required::True)]
    }
}

impl IntoParams for RequestKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter(Required::True)]
    }
}

impl IntoParams for OptionalRequestKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter(Required::False)]
    }
}

fn parameter(required: Required) -> Parameter {
    let description = "Names the operation, 1 to 255 visible ASCII characters. Sent again \
                       within 24 hours, the same request gets the first answer.";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(String::schema()))
        .build()
}

/// SHA-256 of what was asked, in hexadecimal: path, query and the bytes of the body. Tells a
/// repetition from another request under the same key. It reads the body together with
/// [`crate::ApiJson`], in any order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodyHash(String);

impl BodyHash {
    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for BodyHash {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromRequest for BodyHash {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = body::read(request, payload);
        let mut hash = Sha256::new();
        // A zero byte cannot stand in a path or query, so no two requests run together.
        for part in [request.path(), request.query_string()] {
            hash.update(part);
            hash.update([0]);
        }
        Box::pin(async move {
            hash.update(reading.await?);
            let digest = hash.finalize();
            Ok(Self(digest.iter().map(|byte| format!("{byte:02x}")).collect()))
        })
    }
}

/// The answer to a repetition: the first one, from the store. Marked `idempotent-replayed: true`.
///
/// A problem is to be stored as [`Problem::to_json`]; it goes out with the trace id of the
/// repetition. An answer without a body is stored as `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The first answer's status; one that no answer can have becomes 500.
    pub status: u16,
    /// The first answer's body.
    pub body: Value,
}

impl Responder for Replayed {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = if status.is_client_error() || status.is_server_error() {
            HttpResponse::from_error(Problem::from_json(status, self.body))
        } else if self.body.is_null() {
            HttpResponse::new(status)
        } else {
            HttpResponse::build(status).json(self.body)
        };
        response.headers_mut().insert(
            HeaderName::from_static("idempotent-replayed"),
            HeaderValue::from_static("true"),
        );
        response
    }
}
