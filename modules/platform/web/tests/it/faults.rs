//! Which requests end with a fault that an engineer hears of.

use std::sync::Arc;

use actix_web::test::TestRequest;
use telemetry::errors::{ErrorKind, HOST, testing::Notebook};
use web::{Edge, Territory, Traffic};

use crate::support::{Answer, edge, send, send_to};

/// The module whose routes are in trouble.
const KITCHEN: Territory =
    Territory { module: "kitchen", prefixes: &["/v1/trouble"], is_here: true };

async fn trouble(path: &str) -> Answer {
    let edge = Edge { traffic: Arc::new(Traffic::of([KITCHEN])), ..edge() };
    let path = format!("/v1/trouble/{path}?token=secret");
    send_to(&edge, TestRequest::get().uri(&path)).await
}

#[actix_web::test]
async fn a_panic_and_an_error_of_ours_are_told_with_the_trace_that_the_client_knows() {
    for (path, kind, place, message) in [
        ("panics", ErrorKind::Panic, "GET", "the secret recipe is lost"),
        ("fails", ErrorKind::Error, "GET /v1/trouble/fails", "table `secrets` does not exist"),
    ] {
        let (notebook, _listening) = Notebook::listen();
        let answer = trouble(path).await;
        let told = notebook.only();
        assert_eq!((told.kind, told.module), (kind, "kitchen"));
        assert_eq!((&*told.place, &*told.message), (place, message));
        let trace = told.trace.map(|trace| format!("{:032x}", trace.trace_id));
        assert_eq!(answer.body["trace_id"].as_str(), trace.as_deref());
        assert!(!format!("{told:?}").contains("token"), "{told:?}");
    }
}

#[actix_web::test]
async fn what_is_the_callers_the_callees_or_nobodys_fault_is_not_told() {
    for (path, faults) in [
        ("no-such-thing", 0),
        ("plain-text", 0),
        ("call/unavailable", 0),
        ("call/unknown", 0),
        ("call/deadline", 0),
        ("store/not-found", 0),
        ("call/incompatible", 1),
        ("store/other", 1),
    ] {
        let (notebook, _listening) = Notebook::listen();
        trouble(path).await;
        assert_eq!(notebook.take().len(), faults, "{path}");
    }
}

#[actix_web::test]
async fn what_no_module_answers_is_the_hosts() {
    let (notebook, _listening) = Notebook::listen();
    send(TestRequest::get().uri("/v1/trouble/fails")).await;
    assert_eq!(notebook.only().module, HOST);
}
