//! An implementation that panics is told of once, whichever way the call took.

use std::{sync::Arc, time::Duration};

use kernel::CallContext;
use seam::{CallFailure, Loopback, Port, Repeat, Slot};
use telemetry::errors::{ErrorKind, testing::Notebook};

use crate::counter::{CounterApi, CounterError, Step, Total, context};

struct Clumsy;

#[seam::async_trait]
impl CounterApi for Clumsy {
    async fn count(&self, _: &CallContext, step: Step) -> Result<Total, CounterError> {
        panic!("{} was too much", step.by)
    }

    async fn total(&self, _: &CallContext) -> Result<Total, CounterError> {
        Err(CallFailure::unavailable("abacus").into())
    }
}

fn clients() -> [Arc<dyn CounterApi>; 2] {
    let slot = Slot::filled(Arc::new(Clumsy) as Arc<dyn CounterApi>);
    let server = <dyn CounterApi>::server(slot.clone());
    let loopback = Loopback::new("counter", server, Repeat::Never);
    [<dyn CounterApi>::direct(slot), <dyn CounterApi>::remote(Arc::new(loopback))]
}

#[tokio::test]
async fn a_panic_in_an_implementation_is_told_once() {
    for client in clients() {
        let (notebook, _listening) = Notebook::listen();
        let unknown = Err(CallFailure::outcome_unknown("counter").into());
        assert_eq!(client.count(&context(), Step { by: 7 }).await, unknown);
        let told = notebook.only();
        assert_eq!((told.kind, told.module), (ErrorKind::Panic, "counter"));
        assert_eq!((&*told.message, &*told.place), ("7 was too much", "CounterApi/count"));
    }
}

#[tokio::test]
async fn a_call_that_brings_no_answer_is_no_fault_of_the_caller() {
    for client in clients() {
        let (notebook, _listening) = Notebook::listen();
        client.total(&context()).await.expect_err("the callee's own call failed");
        let late =
            CallContext::new(context().principal().clone(), context().call_id(), Duration::ZERO);
        client.total(&late).await.expect_err("there is no time");
        assert_eq!(notebook.take(), []);
    }
}
