//! A caller and a callee that were built from different versions of a contract.

use std::sync::Arc;

use seam::{CallFailure, Dispatch, Loopback, Port, Repeat, Slot, Transport};
use testing::PortServer;

use crate::ledger;

/// The ledger's contract, one release later.
mod newer {
    use kernel::CallContext;
    use seam::{CallFailure, PortError, port};
    use serde::{Deserialize, Serialize};
    use utoipa::ToSchema;

    #[port(service = "ledger", version = 1)]
    pub(crate) trait LedgerApi {
        #[call(read)]
        async fn balance(&self, ctx: &CallContext) -> Result<i64, LedgerError>;

        #[call(write)]
        async fn close(&self, ctx: &CallContext) -> Result<(), LedgerError>;
    }

    #[derive(
        Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema,
    )]
    #[serde(tag = "type", rename_all = "snake_case")]
    pub(crate) enum LedgerError {
        #[error("an auditor is in the house")]
        Audited,
        #[error(transparent)]
        #[serde(skip)]
        Call(#[from] CallFailure),
    }

    pub(crate) struct Audited;

    #[seam::async_trait]
    impl LedgerApi for Audited {
        async fn balance(&self, _: &CallContext) -> Result<i64, LedgerError> {
            Err(LedgerError::Audited)
        }

        async fn close(&self, ctx: &CallContext) -> Result<(), LedgerError> {
            ctx.mark_recorded();
            Ok(())
        }
    }
}

/// The same trait under its next major version.
mod next {
    use kernel::CallContext;
    use seam::port;

    pub(crate) use crate::ledger::LedgerError;

    #[port(service = "ledger", version = 2)]
    pub(crate) trait LedgerApi {
        #[call(read)]
        async fn balance(&self, ctx: &CallContext) -> Result<i64, LedgerError>;
    }
}

/// A transport that leads to `callee` in process, and one over HTTP.
fn both_wires(callee: &Arc<dyn Dispatch>) -> [Arc<dyn Transport>; 2] {
    let loopback = Loopback::new("ledger", Arc::clone(callee), Repeat::Always);
    let server = PortServer::new("ledger");
    server.start(Arc::clone(callee));
    [Arc::new(loopback), server.transport()]
}

fn old_callee() -> Arc<dyn Dispatch> {
    <dyn ledger::LedgerApi>::server(Slot::filled(Arc::<ledger::Ledger>::default()))
}

#[track_caller]
fn check_incompatible<T: std::fmt::Debug>(failure: Option<&CallFailure>, answer: &T) {
    assert!(matches!(failure, Some(CallFailure::Incompatible { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_that_the_caller_does_not_know_is_incompatible() {
    let callee = <dyn newer::LedgerApi>::server(Slot::filled(Arc::new(newer::Audited)));
    for wire in both_wires(&callee) {
        let client = <dyn ledger::LedgerApi>::remote(wire);
        let error = client.balance(&crate::house::context()).await.expect_err("refused");
        check_incompatible(seam::PortError::call_failure(&error), &error);
    }
}

#[tokio::test]
async fn a_method_that_the_callee_does_not_know_is_incompatible() {
    for wire in both_wires(&old_callee()) {
        let client = <dyn newer::LedgerApi>::remote(wire);
        let error = client.close(&crate::house::context()).await.expect_err("unknown");
        check_incompatible(seam::PortError::call_failure(&error), &error);
    }
}

#[tokio::test]
async fn another_major_version_is_incompatible() {
    let [_, http] = both_wires(&old_callee());
    let client = <dyn next::LedgerApi>::remote(http);
    let error = client.balance(&crate::house::context()).await.expect_err("unknown");
    check_incompatible(seam::PortError::call_failure(&error), &error);
}

#[tokio::test]
async fn what_both_know_still_works() {
    for wire in both_wires(&old_callee()) {
        let client = <dyn newer::LedgerApi>::remote(wire);
        assert_eq!(client.balance(&crate::house::context()).await, Ok(0));
    }
}
