//! Which deliveries end with a fault that an engineer hears of.

use std::sync::Arc;

use kernel::TraceContext;
use telemetry::errors::{ErrorKind, testing::Notebook};

use crate::{
    script::{Failure, Script, action},
    world::{LONG, Reader, clock, envelope, settings},
};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced(counter: u128, n: i64) -> kernel::Envelope {
    kernel::Envelope { traceparent: Some(TRACE.to_owned()), ..envelope(counter, n) }
}

/// Each attempt is a panic of its own, and the dead letter that comes of it is not another fault.
#[tokio::test]
async fn a_handler_that_panics_is_told_at_each_attempt_and_not_when_it_is_parked() {
    let clock = clock();
    let script = Arc::new(Script::default());
    for reader in [
        Reader::new(&clock).await,
        Reader::with(&clock, vec![action("reader.count", &script)], script).await,
    ] {
        let (notebook, _listening) = Notebook::listen();
        reader.script.fail(1, 1, Failure::Panic);
        reader.deliver(vec![traced(1, 1)]).await;
        for _ in 0..=settings().max_attempts {
            clock.advance(LONG);
            reader.settle().await;
        }
        let told = notebook.take();
        assert_eq!(told.len(), settings().max_attempts as usize, "{told:#?}");
        let trace = TraceContext::from_traceparent(TRACE).map(|trace| trace.trace_id);
        for panic in &told {
            assert_eq!((panic.kind, panic.module), (ErrorKind::Panic, "reader"));
            assert_eq!((&*panic.place, &*panic.message), ("reader.count", "out of cheese"));
            assert_eq!(panic.fingerprint, told[0].fingerprint);
            assert_eq!(panic.trace.map(|trace| trace.trace_id), trace);
        }
        let letters = reader.engine.dead_letters();
        let parked = letters.list(&events::DeadLetterQuery::default()).await.expect("a list");
        assert_eq!(parked.items.len(), 1);
    }
}

#[tokio::test]
async fn a_dead_letter_is_told_once_and_a_retry_is_not() {
    let clock = clock();
    let reader = Reader::new(&clock).await;
    let (notebook, _listening) = Notebook::listen();
    reader.script.fail(1, 1, Failure::Always);
    reader.deliver(vec![traced(1, 1)]).await;
    clock.advance(LONG);
    reader.settle().await;
    assert_eq!(notebook.take(), [], "it may go well yet");
    for _ in 0..settings().max_attempts {
        clock.advance(LONG);
        reader.settle().await;
    }
    let told = notebook.only();
    assert_eq!((told.kind, told.module), (ErrorKind::Error, "reader"));
    assert_eq!(told.place, "reader.count");
    assert_eq!(
        (&*told.message, &told.causes[..]),
        ("the event may be handled later", &["never".to_owned()][..])
    );
    assert!(told.trace.is_some(), "{told:?}");

    reader.script.fail(2, 1, Failure::Permanently);
    reader.deliver(vec![traced(2, 1)]).await;
    assert_eq!(notebook.only().message, "the event cannot be handled");
}
