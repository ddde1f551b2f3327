//! How many requests come for each module from outside, wherever it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actix_web::{HttpRequest, body::BodySize, http::header::CONTENT_LENGTH};
use seam::RequestFigures;
use telemetry::errors::HOST;

/// Counts the requests of clients by the module that they are for. Added to without a lock.
#[derive(Debug, Default)]
pub struct Traffic {
    /// A handful, so that a search in order beats a map.
    modules: Vec<Counted>,
}

/// The public paths of a module.
#[derive(Clone, Copy, Debug)]
pub struct Territory {
    /// Its name.
    pub module: &'static str,
    /// What its paths begin with.
    pub prefixes: &'static [&'static str],
    /// Whether it runs in this program, and is not passed on to.
    pub is_here: bool,
}

#[derive(Debug)]
struct Counted {
    module: &'static str,
    prefixes: &'static [&'static str],
    is_here: bool,
    requests: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

impl Traffic {
    /// Counts by the public paths of these modules: what begins with one of them is for its module.
    pub fn of(modules: impl IntoIterator<Item = Territory>) -> Self {
        let counted = |Territory { module, prefixes, is_here }| Counted {
            module,
            prefixes,
            is_here,
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

    /// A request that came, of a body of at most `body_limit` bytes.
    pub(crate) fn visit(&self, request: &HttpRequest, body_limit: usize) -> Visit<'_> {
        let said = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let said = said.and_then(|length| length.parse().ok()).unwrap_or(0);
        // A header costs nothing, and a body that is longer than the limit is not read.
        let request_bytes = u64::try_from(body_limit).unwrap_or(u64::MAX).min(said);
        Visit { counted: self.find(request.path()), request_bytes }
    }

    /// The longest prefix counts.
    fn find(&self, path: &str) -> Option<&Counted> {
        let fitting = self.modules.iter().flat_map(|counted| {
            let below = counted.prefixes.iter().filter(|prefix| lies_below(path, prefix));
            below.map(move |prefix| (prefix.len(), counted))
        });
        fitting.max_by_key(|(length, _)| *length).map(|(_, counted)| counted)
    }
}

/// A request of a client, and the module that it is for.
pub(crate) struct Visit<'t> {
    counted: Option<&'t Counted>,
    request_bytes: u64,
}

impl Visit<'_> {
    /// Whose work it is to answer: the program's own where the module runs elsewhere.
    pub(crate) fn owner(&self) -> &'static str {
        let owner = self.counted.filter(|counted| counted.is_here);
        owner.map_or(HOST, |counted| counted.module)
    }

    /// Counts it, whatever became of it.
    pub(crate) fn ended(self, answer: BodySize) {
        let Some(counted) = self.counted else { return };
        let answered = if let BodySize::Sized(bytes) = answer { bytes } else { 0 };
        counted.requests.fetch_add(1, Relaxed);
        counted.request_bytes.fetch_add(self.request_bytes, Relaxed);
        counted.response_bytes.fetch_add(answered, Relaxed);
    }
}

/// Whether `path` is `prefix`, or lies below it.
fn lies_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn traffic() -> Traffic {
        let territory = |module, prefixes, is_here| Territory { module, prefixes, is_here };
        Traffic::of([
            territory("billing", &["/v1/billing", "/webhooks/stripe"], true),
            territory("auth", &["/v1/auth"], false),
            territory("labs", &["/v1/billing/labs"], true),
        ])
    }

    #[test]
    fn a_path_belongs_to_the_module_that_answers_there() {
        for (path, owner) in [
            ("/v1/billing", "billing"),
            ("/v1/billing/plans", "billing"),
            ("/v1/billing/labs/1", "labs"),
            ("/v1/billings", HOST),
            ("/v1/auth/me", HOST),
            ("/openapi.json", HOST),
        ] {
            let request = TestRequest::with_uri(path).to_http_request();
            assert_eq!(traffic().visit(&request, 0).owner(), owner, "{path}");
        }
    }

    #[test]
    fn a_request_is_for_the_module_that_its_path_belongs_to() {
        let traffic = traffic();
        let ask = |path, sent: u64, answered| {
            let request = TestRequest::with_uri(path).insert_header((CONTENT_LENGTH, sent));
            traffic.visit(&request.to_http_request(), 1_000).ended(answered);
        };
        ask("/v1/billing/plans?x=1", 0, BodySize::Sized(40));
        ask("/webhooks/stripe", 70, BodySize::None);
        ask("/v1/auth/me", 0, BodySize::Stream);
        ask("/v1/billing/labs", u64::MAX, BodySize::None);
        ask("/v1/billings", 9, BodySize::Sized(9));
        ask("/health/live", 9, BodySize::Sized(9));
        let of = |module: &str, requests, request_bytes, response_bytes| RequestFigures {
            module: module.to_owned(),
            requests,
            request_bytes,
            response_bytes,
        };
        assert_eq!(
            traffic.read(),
            [of("billing", 2, 70, 40), of("auth", 1, 0, 0), of("labs", 1, 1_000, 0)]
        );
    }
}
