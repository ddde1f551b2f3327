//! A port with a method for everything that a contract promises, and a callee that keeps its
//! records in memory.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::{CallContext, Principal};
use seam::{CallFailure, PortError, port};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

#[port(service = "ledger", version = 1)]
pub(crate) trait LedgerApi {
    /// Books an entry, once per key.
    #[call(write)]
    async fn book(&self, ctx: &CallContext, entry: Entry) -> Result<Booked, LedgerError>;

    /// The sum of all entries.
    #[call(read)]
    async fn balance(&self, ctx: &CallContext) -> Result<i64, LedgerError>;

    /// What came in with this very call.
    #[call(read)]
    async fn seen(&self, ctx: &CallContext) -> Result<Seen, LedgerError>;

    /// Does what it is told to.
    #[call(read)]
    async fn misbehave(&self, ctx: &CallContext, trouble: Trouble) -> Result<(), LedgerError>;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Entry {
    pub(crate) amount: i64,
    pub(crate) text: String,
    pub(crate) tags: Vec<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Booked {
    pub(crate) number: usize,
    pub(crate) entry: Entry,
}

/// A context as the callee has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Seen {
    #[schema(value_type = Object)]
    pub(crate) principal: Principal,
    pub(crate) call_id: String,
    pub(crate) key: String,
    pub(crate) trace_id: String,
    pub(crate) locale: String,
    pub(crate) remaining_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Trouble {
    /// Never returns.
    Hang,
    /// Keeps a core busy for so many milliseconds.
    Toil(u64),
    Panic,
    /// A refusal without and one with fields.
    RefuseClosed,
    RefuseOverdrawn,
    /// A failure of the callee itself.
    #[schema(value_type = Object)]
    Fail(CallFailure),
}

#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LedgerError {
    #[error("the books are closed")]
    Closed,
    #[error("overdrawn by {by}: {reason}")]
    Overdrawn { by: i64, reason: String },
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

/// The callee. It outlives a restart, as a database would.
#[derive(Default)]
pub(crate) struct Ledger {
    booked: Mutex<HashMap<String, Booked>>,
    /// Calls that were started.
    pub(crate) started: AtomicUsize,
    /// Told when a call begins to hang, and when it is dropped.
    pub(crate) hanging: Notify,
    pub(crate) dropped: Notify,
}

impl Ledger {
    pub(crate) fn calls(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    pub(crate) fn entries(&self) -> usize {
        self.booked.lock().expect("no panic while booking").len()
    }
}

/// Tells the ledger that the future it lives in is gone.
struct Hanging<'a>(&'a Ledger);

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

#[seam::async_trait]
impl LedgerApi for Ledger {
    async fn book(&self, ctx: &CallContext, entry: Entry) -> Result<Booked, LedgerError> {
        self.started.fetch_add(1, Ordering::SeqCst);
        ctx.mark_recorded();
        let mut booked = self.booked.lock().expect("no panic while booking");
        let number = booked.len() + 1;
        let known = booked
            .entry(ctx.key().to_string())
            .or_insert_with(|| Booked { number, entry: entry.clone() });
        if known.entry == entry {
            Ok(known.clone())
        } else {
            let detail = "this key was used for another argument";
            Err(CallFailure::incompatible("ledger", detail).into())
        }
    }

    async fn balance(&self, _: &CallContext) -> Result<i64, LedgerError> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let booked = self.booked.lock().expect("no panic while booking");
        Ok(booked.values().map(|booked| booked.entry.amount).sum())
    }

    async fn seen(&self, ctx: &CallContext) -> Result<Seen, LedgerError> {
        self.started.fetch_add(1, Ordering::SeqCst);
        Ok(Seen {
            principal: ctx.principal().clone(),
            call_id: ctx.call_id().to_string(),
            key: ctx.key().to_string(),
            trace_id: format!("{:032x}", ctx.trace().trace_id),
            locale: ctx.locale().as_str().to_owned(),
            remaining_ms: u64::try_from(ctx.remaining().as_millis()).expect("not for ever"),
        })
    }

    async fn misbehave(&self, _: &CallContext, trouble: Trouble) -> Result<(), LedgerError> {
        self.started.fetch_add(1, Ordering::SeqCst);
        match trouble {
            Trouble::Hang => {
                let _hanging = Hanging(self);
                self.hanging.notify_one();
                std::future::pending().await
            }
            Trouble::Toil(millis) => {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(millis) {
                    std::hint::spin_loop();
                }
                Ok(())
            }
            Trouble::Panic => panic!("as I was told"),
            Trouble::RefuseClosed => Err(LedgerError::Closed),
            Trouble::RefuseOverdrawn => {
                Err(LedgerError::Overdrawn { by: i64::MAX, reason: "“schön”\n".to_owned() })
            }
            Trouble::Fail(failure) => Err(failure.into()),
        }
    }
}
