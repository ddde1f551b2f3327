//! Parameters in the path and in the query.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;

use crate::{Problem, explain::explain};

/// Parameters of the path. As an extractor it answers 400 `invalid-parameter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiPath<T>(pub T);

/// Parameters of the query. As an extractor it answers 400 `invalid-parameter`. To refuse unknown
/// ones, `T` carries `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ApiPath<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Self(path.into_inner())).map_err(|error| {
            let names: Vec<&str> = request.match_info().iter().map(|(name, _)| name).collect();
            let reason = explain(&error.to_string());
            Problem::invalid_parameter(format!("`{}`: {reason}", names.join("`, `")))
        }))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for ApiQuery<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        let pairs = serde_urlencoded::Deserializer::new(pairs);
        ready(serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let reason = explain(&error.inner().to_string());
            let parameter = error.path().to_string();
            Problem::invalid_parameter(match parameter.as_str() {
                "." => reason,
                name => format!("`{name}`: {reason}"),
            })
        }))
    }
}

impl<T> Deref for ApiPath<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for ApiQuery<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> ApiPath<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> ApiQuery<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}
