//! Handlers that do as they are told, and say what they were asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use events::{Action, Consumer, Delivery, Effect, HandlerError};
use kernel::CallContext;
use sea_orm::ActiveValue::{NotSet, Set};
use storage::TenantTx;
use tokio::sync::{Notify, watch};

use crate::{
    entities::applied,
    world::{Counted, PATIENCE, lock},
};

/// What a handler was asked to do and how often it is to fail.
#[derive(Default)]
pub(crate) struct Script {
    failures: Mutex<HashMap<(u128, i64), Failure>>,
    calls: Mutex<Vec<Call>>,
    called: watch::Sender<usize>,
    /// What [`Failure::Gate`] waits for.
    pub(crate) gate: Notify,
}

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) counter: u128,
    pub(crate) n: i64,
    pub(crate) attempt: u32,
    pub(crate) key: String,
}

#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Times(u32),
    Always,
    Permanently,
    Panic,
    Hang,
    /// None: it goes on once the gate opens.
    Gate,
}

impl Script {
    pub(crate) fn fail(&self, counter: u128, n: i64, failure: Failure) {
        lock(&self.failures).insert((counter, n), failure);
    }

    pub(crate) fn heal(&self, counter: u128, n: i64) {
        lock(&self.failures).remove(&(counter, n));
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// Waits until handlers have been called so often.
    pub(crate) async fn reached(&self, calls: usize) {
        let mut called = self.called.subscribe();
        let reached = called.wait_for(|so_far| *so_far >= calls);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(matches!(reached, Ok(Ok(_))), "{calls} calls, and not {:?}", self.calls());
    }

    pub(crate) async fn follow(
        &self,
        ctx: &CallContext,
        event: &Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let at = (event.counter.as_u128(), event.n);
        lock(&self.calls).push(Call {
            counter: at.0,
            n: at.1,
            attempt: delivery.attempt,
            key: ctx.key().to_string(),
        });
        self.called.send_modify(|so_far| *so_far += 1);
        let failure = lock(&self.failures).get(&at).copied();
        match failure {
            None | Some(Failure::Times(0)) => {
                // Others may come between.
                tokio::task::yield_now().await;
                Ok(())
            }
            Some(Failure::Times(left)) => {
                self.fail(at.0, at.1, Failure::Times(left - 1));
                Err(HandlerError::retry("not yet"))
            }
            Some(Failure::Always) => Err(HandlerError::retry("never")),
            Some(Failure::Permanently) => Err(HandlerError::permanent("no good")),
            Some(Failure::Panic) => panic!("out of cheese"),
            Some(Failure::Hang) => std::future::pending().await,
            Some(Failure::Gate) => {
                self.gate.notified().await;
                Ok(())
            }
        }
    }
}

/// Writes down what came, and only then does as its script says.
pub(crate) struct WriteDown {
    pub(crate) consumer: &'static str,
    pub(crate) script: Arc<Script>,
}

#[async_trait]
impl Effect<Counted> for WriteDown {
    async fn apply(
        &self,
        tx: &TenantTx,
        ctx: &CallContext,
        event: Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let row = applied::ActiveModel {
            seq: NotSet,
            tenant_id: NotSet,
            consumer: Set(self.consumer.to_owned()),
            counter: Set(event.counter),
            n: Set(event.n),
        };
        tx.insert(row).await?;
        self.script.follow(ctx, &event, delivery).await
    }
}

/// Does as its script says.
pub(crate) struct Act(pub(crate) Arc<Script>);

#[async_trait]
impl Action<Counted> for Act {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: Counted,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        self.0.follow(ctx, &event, delivery).await
    }
}

pub(crate) fn effect(name: &'static str, script: &Arc<Script>) -> Consumer {
    let effect = WriteDown { consumer: name, script: Arc::clone(script) };
    Consumer::effect::<Counted>(name, Arc::new(effect))
}

pub(crate) fn action(name: &'static str, script: &Arc<Script>) -> Consumer {
    Consumer::action::<Counted>(name, Arc::new(Act(Arc::clone(script))))
}
