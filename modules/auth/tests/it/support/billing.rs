//! A billing that does as it is told and remembers what it was asked.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use billing_api::{
    BillingApi, BillingError, Entitlements, Seat, SeatRequest, SeatUsage, UsageBatch, UsageReceipt,
};
use kernel::{CallContext, CallId};
use seam::{CallFailure, async_trait};
use storage::{Store, SystemScope};
use tokio::sync::Notify;

static NOBODY_WRITES: SystemScope =
    SystemScope { name: "test.nobody_writes", why: "a test sees that no transaction is open" };

/// What billing does with the next reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Takes the seat and says so.
    Grants,
    /// Refuses, having no seat.
    Full { limit: u32 },
    /// Cannot be reached.
    Unavailable,
    /// Takes the seat, and its answer is lost.
    AnswerLost,
    /// Does nothing, and nobody knows.
    RequestLost,
    /// Waits to be told to go on, and takes the seat.
    Waits,
}

pub(crate) struct FakeBilling {
    store: Store,
    state: Mutex<State>,
    entered: Notify,
    go_on: Notify,
}

#[derive(Default)]
struct State {
    /// For the next reservations; afterwards it grants.
    script: VecDeque<Behaviour>,
    releases_fail: bool,
    holders: BTreeSet<String>,
    /// The recorded outcomes of reservations by their keys.
    recorded: HashMap<String, Result<Seat, BillingError>>,
    /// The call that was answered last; the loopback sends it again.
    answered: Option<CallId>,
    keys: Vec<String>,
    released: Vec<String>,
}

impl FakeBilling {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, state: Mutex::default(), entered: Notify::new(), go_on: Notify::new() }
    }

    /// The next reservation goes like this.
    pub(crate) fn next(&self, behaviour: Behaviour) {
        self.state().script.push_back(behaviour);
    }

    /// Waits until a reservation [waits](Behaviour::Waits).
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    /// Lets the reservation that waits go on.
    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    /// Releases find billing unreachable from now on.
    pub(crate) fn stop_releasing(&self) {
        self.state().releases_fail = true;
    }

    /// Releases reach billing again.
    pub(crate) fn resume_releasing(&self) {
        self.state().releases_fail = false;
    }

    /// Who holds a seat.
    pub(crate) fn holders(&self) -> Vec<String> {
        self.state().holders.iter().cloned().collect()
    }

    /// The keys under which seats were reserved, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state().keys.clone()
    }

    /// Whose seats were given back, in order.
    pub(crate) fn released(&self) -> Vec<String> {
        self.state().released.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reservation as it comes in.
enum Arrival {
    /// The loopback sends what was answered a second time.
    Repeated(Result<Seat, BillingError>),
    New(Behaviour),
}

impl State {
    fn arrive(&mut self, call: CallId, key: &str) -> Arrival {
        if self.answered == Some(call) {
            return Arrival::Repeated(self.recorded[key].clone());
        }
        if !self.keys.iter().any(|known| known == key) {
            self.keys.push(key.to_owned());
        }
        Arrival::New(self.script.pop_front().unwrap_or(Behaviour::Grants))
    }

    /// Once for each key.
    fn reserve(
        &mut self,
        key: &str,
        behaviour: Behaviour,
        request: SeatRequest,
    ) -> Result<Seat, BillingError> {
        if let Some(recorded) = self.recorded.get(key) {
            return recorded.clone();
        }
        let outcome = match behaviour {
            Behaviour::Full { limit } => Err(BillingError::NoFreeSeat { limit }),
            _ => {
                self.holders.insert(request.holder.clone());
                let used = u32::try_from(self.holders.len()).expect("few seats");
                Ok(Seat { holder: request.holder, usage: SeatUsage { used, limit: 100 } })
            }
        };
        self.recorded.insert(key.to_owned(), outcome.clone());
        outcome
    }
}

#[async_trait]
impl BillingApi for FakeBilling {
    async fn entitlements(&self, _: &CallContext) -> Result<Entitlements, BillingError> {
        Err(CallFailure::unavailable("billing").into())
    }

    async fn reserve_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<Seat, BillingError> {
        // The embedded engine has one writer: were the caller's transaction open, this would fail.
        self.store.system_write(&NOBODY_WRITES).await.expect("the caller holds no transaction");
        ctx.mark_recorded();
        let key = ctx.key().as_str().to_owned();
        let behaviour = match self.state().arrive(ctx.call_id(), &key) {
            Arrival::Repeated(outcome) => return outcome,
            Arrival::New(behaviour) => behaviour,
        };
        match behaviour {
            Behaviour::Unavailable => return Err(CallFailure::unavailable("billing").into()),
            Behaviour::RequestLost => return Err(CallFailure::outcome_unknown("billing").into()),
            Behaviour::Waits => {
                self.entered.notify_one();
                self.go_on.notified().await;
            }
            Behaviour::Grants | Behaviour::Full { .. } | Behaviour::AnswerLost => {}
        }
        let outcome = self.state().reserve(&key, behaviour, request);
        if behaviour == Behaviour::AnswerLost {
            return Err(CallFailure::outcome_unknown("billing").into());
        }
        self.state().answered = Some(ctx.call_id());
        outcome
    }

    async fn release_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<(), BillingError> {
        self.store.system_write(&NOBODY_WRITES).await.expect("the caller holds no transaction");
        let mut state = self.state();
        if state.releases_fail {
            return Err(CallFailure::unavailable("billing").into());
        }
        ctx.mark_recorded();
        if state.released.last() != Some(&request.holder) {
            state.released.push(request.holder.clone());
        }
        state.holders.remove(&request.holder);
        Ok(())
    }

    async fn record_usage(
        &self,
        _: &CallContext,
        _: UsageBatch,
    ) -> Result<UsageReceipt, BillingError> {
        Err(CallFailure::unavailable("billing").into())
    }
}
