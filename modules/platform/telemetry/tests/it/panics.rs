//! A program that watches its panics. The hook is the process's, and stays: one test.

use std::thread;

use telemetry::errors::{ErrorKind, HOST, Site, Work, caught_now, testing::Notebook, watch_panics};

const SITE: Site = Site { module: "billing", work: Work::Job("billing.renew") };

#[test]
fn a_panic_is_told_with_its_line_once_whoever_catches_it() {
    let (notebook, _listening) = Notebook::listen();
    watch_panics();
    let line = line!() + 1;
    let caught = caught_now(SITE, || panic!("out of cheese"));
    let panic = caught.expect_err("it panics");
    let place = format!("modules/platform/telemetry/tests/it/panics.rs:{line}");
    let told = notebook.only();
    assert_eq!((told.module, told.kind), ("billing", ErrorKind::Panic));
    assert!(place.ends_with(&told.place) || told.place.ends_with(&place), "{}", told.place);
    assert_eq!(panic.place(), told.place);

    // Within the other, which goes on.
    let outer = caught_now(SITE, || {
        let inner = Site { module: "auth", ..SITE };
        caught_now(inner, || panic!("no such seat")).expect_err("it panics")
    });
    assert_eq!(outer.expect("it goes on").message(), "no such seat");
    assert_eq!(notebook.only().module, "auth");

    // Nobody's: what catches it here knows nothing of it.
    let uncaught = std::panic::catch_unwind(|| panic!("a task of nobody"));
    uncaught.expect_err("it panics");
    let told = notebook.only();
    assert_eq!((told.module, &*told.message), (HOST, "a task of nobody"));

    // Where nobody listens there is nobody to tell, and no harm.
    thread::spawn(|| panic!("on a thread of its own")).join().expect_err("it panics");
    assert_eq!(notebook.take(), []);
}
