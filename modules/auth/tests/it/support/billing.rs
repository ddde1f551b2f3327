//! A billing that does as it is told and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use billing_api::{
    BillingApi, BillingError, Entitlements, Seat, SeatRequest, UsageBatch, UsageReceipt,
    testing::InMemoryBilling,
};
use kernel::{CallContext, CallId};
use seam::{CallFailure, async_trait};
use storage::{Store, SystemScope};
use testing::noon;
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

/// A billing that keeps its contract, wherever it is not told to do otherwise.
pub(crate) struct FakeBilling {
    billing: InMemoryBilling,
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
    /// The call that was answered last; the loopback sends it again.
    answered: Option<CallId>,
    keys: Vec<String>,
    released: Vec<String>,
}

impl FakeBilling {
    /// With more seats than a test needs.
    pub(crate) fn new(store: Store) -> Self {
        Self::with_seats(100, store)
    }

    pub(crate) fn with_seats(seats: u32, store: Store) -> Self {
        let (entered, go_on) = (Notify::new(), Notify::new());
        let billing = InMemoryBilling::new(seats, noon());
        Self { billing, store, state: Mutex::default(), entered, go_on }
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
        self.billing.holders()
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
    Repeated,
    New(Behaviour),
}

impl State {
    fn arrive(&mut self, call: CallId, key: &str) -> Arrival {
        if self.answered == Some(call) {
            return Arrival::Repeated;
        }
        if !self.keys.iter().any(|known| known == key) {
            self.keys.push(key.to_owned());
        }
        Arrival::New(self.script.pop_front().unwrap_or(Behaviour::Grants))
    }
}

#[async_trait]
impl BillingApi for FakeBilling {
    async fn entitlements(&self, ctx: &CallContext) -> Result<Entitlements, BillingError> {
        self.billing.entitlements(ctx).await
    }

    async fn reserve_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<Seat, BillingError> {
        // The embedded engine has one writer: were the caller's transaction open, this would fail.
        self.store.system_write(&NOBODY_WRITES).await.expect("the caller holds no transaction");
        let arrival = self.state().arrive(ctx.call_id(), ctx.key().as_str());
        let behaviour = match arrival {
            Arrival::Repeated => return self.billing.reserve_seat(ctx, request).await,
            Arrival::New(behaviour) => behaviour,
        };
        let outcome = match behaviour {
            Behaviour::Unavailable => return Err(CallFailure::unavailable("billing").into()),
            Behaviour::RequestLost => return Err(CallFailure::outcome_unknown("billing").into()),
            Behaviour::AnswerLost => {
                self.billing.reserve_seat(ctx, request).await?;
                return Err(CallFailure::outcome_unknown("billing").into());
            }
            Behaviour::Full { limit } => {
                self.billing.refuse_seat(ctx, &request, BillingError::NoFreeSeat { limit })
            }
            Behaviour::Waits => {
                self.entered.notify_one();
                self.go_on.notified().await;
                self.billing.reserve_seat(ctx, request).await
            }
            Behaviour::Grants => self.billing.reserve_seat(ctx, request).await,
        };
        self.state().answered = Some(ctx.call_id());
        outcome
    }

    async fn release_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<(), BillingError> {
        self.store.system_write(&NOBODY_WRITES).await.expect("the caller holds no transaction");
        if self.state().releases_fail {
            return Err(CallFailure::unavailable("billing").into());
        }
        let holder = request.holder.clone();
        self.billing.release_seat(ctx, request).await?;
        let mut state = self.state();
        if state.released.last() != Some(&holder) {
            state.released.push(holder);
        }
        Ok(())
    }

    async fn record_usage(
        &self,
        ctx: &CallContext,
        batch: UsageBatch,
    ) -> Result<UsageReceipt, BillingError> {
        self.billing.record_usage(ctx, batch).await
    }
}
