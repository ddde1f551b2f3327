//! What came back.

use std::collections::BTreeMap;

use actix_web::{
    Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::{StatusCode, header::HeaderMap},
    test,
};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of<B: MessageBody>(result: Result<ServiceResponse<B>, Error>) -> Self {
        // The server makes an answer of an error at the very end; so does this.
        match result {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                Self::new(status, &headers, &test::read_body(response).await)
            }
            Err(error) => {
                let response = error.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                let body = response.into_body().try_into_bytes().expect("not streamed");
                Self::new(status, &headers, &body)
            }
        }
    }

    fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            status: status.as_u16(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text(body))),
        }
    }

    /// The stable name of the problem.
    pub(crate) fn slug(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        assert_eq!((self.status, self.slug()), (status, slug), "{self:#?}");
        assert_eq!(
            self.headers.get("content-type").map(String::as_str),
            Some("application/problem+json")
        );
    }

    /// The fields of a 422, in order.
    pub(crate) fn refused_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
    }
}
