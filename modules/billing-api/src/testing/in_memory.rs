//! A billing for the tests of its callers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kernel::{CallContext, Principal, Role, TenantId, Timestamp};
use seam::CallFailure;

use crate::{
    BillingApi, BillingError, Entitlements, MODULE, MeterAllowance, Seat, SeatRequest, SeatUsage,
    UsageBatch, UsageEvent, UsageReceipt,
};

/// The meter of its one plan, and what that includes.
const METER: (&str, u64) = ("api_calls", 1_000);
const LONGEST_HOLDER: usize = 100;
const MOST_EVENTS: usize = 1_000;
const LONGEST_ID: usize = 255;
const MOST_UNITS: u64 = 1_000_000_000;
const LEAD: Duration = Duration::from_secs(5 * 60);
const DELAY: Duration = Duration::from_secs(35 * 86_400);

/// A billing without a store and without subscriptions: every tenant has the free plan. It keeps
/// the contract ([`billing_contract`](super::billing_contract)).
#[derive(Debug)]
pub struct InMemoryBilling {
    seats: u32,
    now: Timestamp,
    accounts: Mutex<HashMap<TenantId, Account>>,
}

#[derive(Debug, Default)]
struct Account {
    holders: BTreeSet<String>,
    counted: BTreeSet<String>,
    reserved: Records<SeatRequest, Seat>,
    released: Records<SeatRequest, ()>,
    reported: Records<UsageBatch, UsageReceipt>,
}

/// The argument and the outcome of each call, by its key.
type Records<A, T> = HashMap<String, (A, Result<T, BillingError>)>;

impl InMemoryBilling {
    /// One in which the free plan has so many `seats`, and it is always `now`.
    #[must_use]
    pub fn new(seats: u32, now: Timestamp) -> Self {
        Self { seats, now, accounts: Mutex::default() }
    }

    /// Who holds a seat, of all tenants.
    #[must_use]
    pub fn holders(&self) -> Vec<String> {
        let accounts = self.accounts();
        let mut holders: Vec<String> =
            accounts.values().flat_map(|account| account.holders.iter().cloned()).collect();
        holders.sort();
        holders
    }

    /// Refuses a reservation, and remembers that it did; one that was answered before keeps its
    /// answer.
    ///
    /// # Errors
    /// The refusal, or what was answered before.
    pub fn refuse_seat(
        &self,
        ctx: &CallContext,
        request: &SeatRequest,
        refusal: BillingError,
    ) -> Result<Seat, BillingError> {
        let mut accounts = self.accounts();
        let account = account_of(&mut accounts, ctx, Role::Admin)?;
        once(&mut account.reserved, ctx, request, || Err(refusal))
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<TenantId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, events: &[UsageEvent]) -> Result<(), BillingError> {
        if !(1..=MOST_EVENTS).contains(&events.len()) {
            return Err(invalid("a batch of too many events, or of none"));
        }
        for event in events {
            if event.meter != METER.0 {
                return Err(BillingError::UnknownMeter { meter: event.meter.clone() });
            }
            let is_in_bounds = (1..=LONGEST_ID).contains(&event.id.chars().count())
                && (1..=MOST_UNITS).contains(&event.quantity)
                && (self.now - DELAY..=self.now + LEAD).contains(&event.at);
            if !is_in_bounds {
                return Err(invalid("an event that is out of bounds"));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl BillingApi for InMemoryBilling {
    async fn entitlements(&self, ctx: &CallContext) -> Result<Entitlements, BillingError> {
        let tenant = allowed(ctx, Role::Member)?;
        let used = self.accounts().get(&tenant).map_or(0, |account| count(&account.holders));
        let (meter, included) = METER;
        Ok(Entitlements {
            tenant,
            plan: "free".to_owned(),
            features: Vec::new(),
            seats: SeatUsage { used, limit: self.seats },
            meters: BTreeMap::from([(meter.to_owned(), MeterAllowance { included })]),
        })
    }

    async fn reserve_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<Seat, BillingError> {
        let limit = self.seats;
        let mut accounts = self.accounts();
        let Account { holders, reserved, .. } = account_of(&mut accounts, ctx, Role::Admin)?;
        once(reserved, ctx, &request, || {
            let SeatRequest { holder } = request.clone();
            check_holder(&holder)?;
            if !holders.contains(&holder) && count(holders) >= limit {
                return Err(BillingError::NoFreeSeat { limit });
            }
            holders.insert(holder.clone());
            Ok(Seat { holder, usage: SeatUsage { used: count(holders), limit } })
        })
    }

    async fn release_seat(
        &self,
        ctx: &CallContext,
        request: SeatRequest,
    ) -> Result<(), BillingError> {
        let mut accounts = self.accounts();
        let Account { holders, released, .. } = account_of(&mut accounts, ctx, Role::Admin)?;
        once(released, ctx, &request, || {
            check_holder(&request.holder)?;
            holders.remove(&request.holder);
            Ok(())
        })
    }

    async fn record_usage(
        &self,
        ctx: &CallContext,
        batch: UsageBatch,
    ) -> Result<UsageReceipt, BillingError> {
        let mut accounts = self.accounts();
        let Account { counted, reported, .. } = account_of(&mut accounts, ctx, Role::Member)?;
        once(reported, ctx, &batch, || {
            self.check(&batch.events)?;
            let before = counted.len();
            counted.extend(batch.events.iter().map(|event| event.id.clone()));
            let size = |events: usize| u32::try_from(events).unwrap_or(u32::MAX);
            let fresh = counted.len() - before;
            Ok(UsageReceipt { counted: size(fresh), repeated: size(batch.events.len() - fresh) })
        })
    }
}

/// The first outcome under a key, whatever came after it.
fn once<A: Clone + PartialEq, T: Clone>(
    records: &mut Records<A, T>,
    ctx: &CallContext,
    argument: &A,
    work: impl FnOnce() -> Result<T, BillingError>,
) -> Result<T, BillingError> {
    ctx.mark_recorded();
    let key = ctx.key().as_str();
    match records.get(key) {
        Some((first, outcome)) if first == argument => outcome.clone(),
        Some(_) => {
            let detail = "the key was used with another argument";
            Err(CallFailure::incompatible(MODULE.name, detail).into())
        }
        None => {
            let outcome = work();
            records.insert(key.to_owned(), (argument.clone(), outcome.clone()));
            outcome
        }
    }
}

fn account_of<'a>(
    accounts: &'a mut HashMap<TenantId, Account>,
    ctx: &CallContext,
    role: Role,
) -> Result<&'a mut Account, BillingError> {
    Ok(accounts.entry(allowed(ctx, role)?).or_default())
}

/// The tenant of a caller who may do what needs `role`.
fn allowed(ctx: &CallContext, role: Role) -> Result<TenantId, BillingError> {
    match *ctx.principal() {
        Principal::User { tenant, role: own, .. } if own >= role => Ok(tenant),
        Principal::Service { tenant: Some(tenant), .. } => Ok(tenant),
        Principal::User { .. } | Principal::Service { tenant: None, .. } | Principal::Anonymous => {
            Err(BillingError::Forbidden)
        }
    }
}

fn check_holder(holder: &str) -> Result<(), BillingError> {
    if (1..=LONGEST_HOLDER).contains(&holder.chars().count()) {
        return Ok(());
    }
    Err(invalid("a holder that is out of bounds"))
}

fn invalid(detail: &str) -> BillingError {
    BillingError::Invalid { detail: detail.to_owned() }
}

fn count(holders: &BTreeSet<String>) -> u32 {
    u32::try_from(holders.len()).unwrap_or(u32::MAX)
}
