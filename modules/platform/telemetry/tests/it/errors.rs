//! Faults come to the program's trackers: once, with their place and their trace.

use std::{error::Error, io};

use kernel::TraceContext;
use telemetry::{
    Entry,
    errors::{
        ErrorKind, MOST_ALIKE, Panic, Site, Work, caught, caught_now, testing::Notebook,
        unexpected, unexpected_at,
    },
};
use tracing::{Instrument, Span};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const SITE: Site =
    Site { module: "billing", work: Work::Call { port: "BillingApi", method: "entitlements" } };

fn request() -> Span {
    telemetry::entry(Entry::Begins(TRACE), || {
        tracing::info_span!("http.request", otel.kind = "server")
    })
}

#[derive(Debug)]
struct Wrapped(Box<dyn Error>);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it did not work")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[test]
fn a_panic_is_told_with_what_was_being_done_and_its_trace() {
    let (notebook, _listening) = Notebook::listen();
    let span = request();
    let expected = telemetry::position(&span).expect("a trace");
    let panicked = span.in_scope(|| caught_now(SITE, || panic!("the recipe\nis lost")));
    let panic: Panic = panicked.expect_err("it panics");
    assert_eq!(panic.to_string(), r"panicked: the recipe\nis lost");

    let report = notebook.only();
    assert_eq!((report.kind, report.module), (ErrorKind::Panic, "billing"));
    assert_eq!(report.message, r"the recipe\nis lost");
    // Nobody watches panics here.
    assert_eq!(report.place, "BillingApi/entitlements");
    assert_eq!(report.trace, Some(expected));
    assert_eq!(report.trace.map(|trace: TraceContext| trace.trace_id), Some(TRACE));
    assert_eq!(report.fingerprint, panic.fingerprint());
    assert_eq!((report.program, report.release), ("test", "1.2.3"));
}

#[tokio::test]
async fn a_panic_after_a_pause_is_caught_in_the_span_that_it_is_polled_in() {
    let (notebook, _listening) = Notebook::listen();
    let work = async {
        tokio::task::yield_now().await;
        panic!("out of cheese")
    };
    let outcome: Result<(), Panic> = caught(SITE, work).instrument(request()).await;
    outcome.expect_err("it panics");
    assert_eq!(notebook.only().trace.map(|trace| trace.trace_id), Some(TRACE));
    assert_eq!(caught(SITE, async { 7 }).await, Ok(7));
}

#[test]
fn an_error_is_told_with_its_causes_where_it_came_up() {
    let (notebook, _listening) = Notebook::listen();
    let error = Wrapped(Box::new(io::Error::other("the disk is full")));
    let fingerprint = caught_now(SITE, || unexpected("billing", &error)).expect("no panic");
    let report = notebook.only();
    assert_eq!((report.kind, report.module), (ErrorKind::Error, "billing"));
    assert_eq!(
        (&*report.message, &report.causes[..]),
        ("it did not work", &["the disk is full".to_owned()][..])
    );
    assert_eq!(report.place, "BillingApi/entitlements");
    assert_eq!((report.fingerprint, report.trace), (fingerprint, None));
}

#[test]
fn what_comes_of_a_fault_is_the_same_fault() {
    let (notebook, _listening) = Notebook::listen();
    request().in_scope(|| {
        unexpected("billing", &io::Error::other("the disk is full"));
        // On its way up it becomes somebody else's, and looks like another.
        unexpected_at("auth", "POST /v1/auth/invitations", &Wrapped("no seat".into()));
    });
    assert_eq!(notebook.only().module, "billing");
    let panic = caught_now(SITE, || panic!("out of cheese")).expect_err("it panics");
    let told = unexpected("auth", &Wrapped(Box::new(panic.clone())));
    assert_eq!(told, panic.fingerprint());
    assert_eq!(notebook.only().kind, ErrorKind::Panic);
}

#[test]
fn another_request_has_a_fault_of_its_own() {
    let (notebook, _listening) = Notebook::listen();
    for _ in 0..2 {
        request().in_scope(|| unexpected("billing", &io::Error::other("the disk is full")));
    }
    let reports = notebook.take();
    assert_eq!(reports.len(), 2, "{reports:#?}");
    assert_eq!(reports[0].fingerprint, reports[1].fingerprint);
}

#[test]
fn a_flood_is_told_a_few_times() {
    let (notebook, _listening) = Notebook::listen();
    for row in 0..100 {
        unexpected("billing", &io::Error::other(format!("row {row} cannot be read")));
    }
    assert_eq!(notebook.take().len(), MOST_ALIKE as usize);
}

#[test]
fn where_nobody_listens_nothing_is_told_and_the_fingerprint_is_known() {
    let error = io::Error::other("the disk is full");
    let alone = unexpected("billing", &error);
    let (notebook, _listening) = Notebook::listen();
    assert_eq!(unexpected("billing", &error), alone);
    assert_eq!(notebook.only().fingerprint, alone);
}
