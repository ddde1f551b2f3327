//! How many requests come for each module from outside, wherever it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actix_web::{HttpRequest, body::BodySize, http::header::CONTENT_LENGTH};
use seam::RequestFigures;

/// Counts the requests of clients by the module that they are for. Added to without a lock.
#[derive(Debug, Default)]
pub struct Traffic {
    /// A handful, so that a search in order beats a map.
    modules: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    module: &'static str,
    prefixes: &'static [&'static str],
    requests: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

impl Traffic {
    /// Counts by the public paths of `modules`: what begins with one of them is for its module.
    pub fn of(modules: impl IntoIterator<Item = (&'static str, &'static [&'static str])>) -> Self {
        let counted = |(module, prefixes)| Counted {
            module,
            prefixes,
            requests: AtomicU64::new(0),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
        };
        Self { modules: modules.into_iter().map(counted).collect() }
    }

    /// What was counted so far, of every module.
    #[must_use]
    pub fn read(&self) -> Vec<RequestFigures> {
        let figures = |counted: &Counted| RequestFigures {
            module: counted.module.to_owned(),
            requests: counted.requests.load(Relaxed),
            request_bytes: counted.request_bytes.load(Relaxed),
            response_bytes: counted.response_bytes.load(Relaxed),
        };
        self.modules.iter().map(figures).collect()
    }

    /// The module that requests for `path` are for.
    pub(crate) fn module_of(&self, path: &str) -> Option<&'static str> {
        self.find(path).map(|counted| counted.module)
    }

    fn find(&self, path: &str) -> Option<&Counted> {
        self.modules.iter().find(|it| it.prefixes.iter().any(|prefix| is_below(path, prefix)))
    }

    pub(crate) fn count(&self, request: &HttpRequest, answer: BodySize) {
        let Some(counted) = self.find(request.path()) else { return };
        let sent = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let sent = sent.and_then(|length| length.parse().ok()).unwrap_or(0);
        let answered = if let BodySize::Sized(bytes) = answer { bytes } else { 0 };
        counted.requests.fetch_add(1, Relaxed);
        counted.request_bytes.fetch_add(sent, Relaxed);
        counted.response_bytes.fetch_add(answered, Relaxed);
    }
}

/// Whether `path` is `prefix`, or lies below it.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_request_is_for_the_module_that_its_path_belongs_to() {
        let traffic = Traffic::of([
            ("billing", &["/v1/billing", "/webhooks/stripe"] as &[_]),
            ("auth", &["/v1/auth"]),
        ]);
        let ask = |path, sent: u64, answered| {
            let request = TestRequest::with_uri(path).insert_header((CONTENT_LENGTH, sent));
            traffic.count(&request.to_http_request(), answered);
        };
        ask("/v1/billing/plans?x=1", 0, BodySize::Sized(40));
        ask("/webhooks/stripe", 70, BodySize::None);
        ask("/v1/auth/me", 0, BodySize::Stream);
        ask("/v1/billings", 9, BodySize::Sized(9));
        ask("/health/live", 9, BodySize::Sized(9));
        let of = |module: &str, requests, request_bytes, response_bytes| RequestFigures {
            module: module.to_owned(),
            requests,
            request_bytes,
            response_bytes,
        };
        assert_eq!(traffic.read(), [of("billing", 2, 70, 40), of("auth", 1, 0, 0)]);
    }
}
