//! Bodies in JSON.

use std::ops::Deref;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::StatusCode};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::{
    Problem, body,
    explain::{explain, pointer},
};

/// A body in JSON, read and checked.
///
/// As an extractor it answers 415 where the content type is not JSON, 413 where the body is longer
/// than [`crate::Edge::body_limit`], 400 `malformed-json` with line and column where it is not
/// JSON, and 422 `invalid-body` with the path where it is not a `T`. To refuse unknown fields, `T`
/// carries `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiJson<T>(pub T);

impl<T> ApiJson<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for ApiJson<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for ApiJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !is_json(request.content_type()) {
            let problem = body::unsupported("The content type must be application/json.");
            return Box::pin(async { Err(problem) });
        }
        let reading = body::read(request, payload);
        Box::pin(async move { parse(&reading.await?).map(Self) })
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // Whether it is JSON at all is said first, though a wrong value may have come earlier.
        match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => refusal(&pointer(error.path()), error.inner()),
            Err(malformed) => refusal("#", &malformed),
        }
    })?;
    json.end().map_err(|error| refusal("#", &error))?;
    Ok(value)
}

fn refusal(pointer: &str, error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message =
        message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    match error.classify() {
        Category::Data => Problem::invalid_body(pointer, explain(message)),
        // What the parser says of syntax quotes nothing of the body.
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON")
                .detail(format!("Line {line}, column {column}: {message}."))
                .with("line", line)
                .with("column", column)
        }
    }
}
