//! A port whose callee does as it was made to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kernel::{CallContext, CallId, Principal};
use seam::{CallFailure, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[port(service = "counter", version = 3)]
pub(crate) trait CounterApi {
    /// Counts, as often as it is asked to where the callee is not careful.
    #[call(write)]
    async fn count(&self, ctx: &CallContext, step: Step) -> Result<Total, CounterError>;

    #[call(read)]
    async fn total(&self, ctx: &CallContext) -> Result<Total, CounterError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Step {
    pub(crate) by: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Total {
    pub(crate) total: u32,
    pub(crate) last: Option<Step>,
}

#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum CounterError {
    #[error("no step beyond {limit}")]
    TooFar { limit: u32 },
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

/// How careful a callee is about calls that arrive twice.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Care {
    /// Records its outcome, and answers a repetition with it.
    Careful,
    /// Claims to have recorded, and counts again.
    Careless,
    /// Records nothing.
    Unrecorded,
}

pub(crate) struct Counter {
    care: Care,
    pub(crate) arrivals: AtomicU32,
    counted: AtomicU32,
}

impl Counter {
    pub(crate) fn new(care: Care) -> Arc<Self> {
        Arc::new(Self { care, arrivals: AtomicU32::new(0), counted: AtomicU32::new(0) })
    }
}

#[seam::async_trait]
impl CounterApi for Counter {
    async fn count(&self, ctx: &CallContext, step: Step) -> Result<Total, CounterError> {
        let before = self.arrivals.fetch_add(1, Ordering::SeqCst);
        if step.by > 10 {
            ctx.mark_recorded();
            return Err(CounterError::TooFar { limit: 10 });
        }
        if !matches!(self.care, Care::Unrecorded) {
            ctx.mark_recorded();
        }
        if matches!(self.care, Care::Careless) || before == 0 {
            self.counted.fetch_add(step.by, Ordering::SeqCst);
        }
        Ok(Total { total: self.counted.load(Ordering::SeqCst), last: Some(step) })
    }

    async fn total(&self, _: &CallContext) -> Result<Total, CounterError> {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
        Ok(Total { total: self.counted.load(Ordering::SeqCst), last: None })
    }
}

pub(crate) fn context() -> CallContext {
    CallContext::new(Principal::Anonymous, CallId::random(), Duration::from_secs(30))
}
