//! The contract suites: of [`PaymentGateway`], run over every adapter of it, and of
//! [`BillingApi`](crate::BillingApi), run over every way to reach it and over what stands in for it
//! in the tests of its callers.

mod billing;
mod customers;
mod in_memory;
mod refunds;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kernel::{CallId, CallKey, Clock, Currency, Money, Secret, SystemClock, TenantId};

use crate::{ChargeOutcome, ChargeRequest, DeclineReason, GatewayError, PaymentGateway};

pub use self::{billing::billing_contract, in_memory::InMemoryBilling, refunds::RefundRules};

/// What the provider under test has to be asked for, and what it does then.
#[derive(Clone, Debug)]
pub struct ContractMethods {
    /// Succeeds.
    pub pays: Secret,
    /// Are declined, each for its reason.
    pub declines: Vec<(Secret, DeclineReason)>,
    /// Takes the money and does not answer, where the provider can be made to do that.
    pub hangs: Option<Secret>,
    /// Is not reached at all, where the provider can be made to do that.
    pub unreachable: Option<Secret>,
    /// How well the provider looks after refunds.
    pub refunds: RefundRules,
}

/// Longer ago than any provider remembers a key.
const LONG_AGO: Duration = Duration::from_secs(60 * 86_400);

/// Checks what [`PaymentGateway`] promises. Each run uses keys of its own, so that it may be
/// repeated over a provider that remembers.
///
/// # Panics
/// On the first promise that is broken.
pub async fn payment_gateway_contract(gateway: &dyn PaymentGateway, methods: &ContractMethods) {
    check_a_charge_is_made_once(gateway, &methods.pays).await;
    check_parallel_requests_are_one_charge(gateway, &methods.pays).await;
    check_another_charge_under_a_key_is_refused(gateway, methods).await;
    check_an_old_charge_is_not_made_again(gateway, &methods.pays).await;
    customers::check(gateway, &methods.pays).await;
    refunds::check(gateway, methods).await;
    for (method, reason) in &methods.declines {
        check_a_refusal_is_an_outcome(gateway, method, *reason).await;
    }
    if let Some(method) = &methods.hangs {
        check_what_was_cut_off_is_finished(gateway, method).await;
    }
    if let Some(method) = &methods.unreachable {
        check_nothing_moves_out_of_reach(gateway, method).await;
    }
}

async fn check_a_charge_is_made_once(gateway: &dyn PaymentGateway, method: &Secret) {
    let first = paid(gateway, request(gateway, method).await).await;
    let second = paid(gateway, request(gateway, method).await).await;
    assert_ne!(first, second, "two keys are two charges");

    let request = request(gateway, method).await;
    let first = paid(gateway, request.clone()).await;
    let more_time = ChargeRequest { allowed: request.allowed * 2, ..request.clone() };
    assert_eq!(paid(gateway, request).await, first, "a repeated key returns the first charge");
    assert_eq!(paid(gateway, more_time).await, first, "patience does not make it another charge");
}

async fn check_parallel_requests_are_one_charge(gateway: &dyn PaymentGateway, method: &Secret) {
    let request = request(gateway, method).await;
    let charges = join_all((0..20).map(|_| paid(gateway, request.clone()))).await;
    assert!(
        charges.iter().all(|reference| *reference == charges[0]),
        "parallel requests under one key are one charge: {charges:?}"
    );
}

async fn check_another_charge_under_a_key_is_refused(
    gateway: &dyn PaymentGateway,
    methods: &ContractMethods,
) {
    let request = request(gateway, &methods.pays).await;
    let charge = paid(gateway, request.clone()).await;
    let dearer = Money::new(request.amount.amount + 1, request.amount.currency);
    let mut others = vec![ChargeRequest { amount: dearer, ..request.clone() }];
    others.extend(
        methods
            .declines
            .iter()
            .map(|(method, _)| ChargeRequest { payment_method: method.clone(), ..request.clone() }),
    );
    for other in others {
        let outcome = gateway.charge(other).await;
        assert!(matches!(outcome, Err(GatewayError::KeyReused)), "{outcome:?}");
    }
    assert_eq!(paid(gateway, request).await, charge, "the first charge still stands");
}

/// The provider may have forgotten the key by now.
async fn check_an_old_charge_is_not_made_again(gateway: &dyn PaymentGateway, method: &Secret) {
    let request = request(gateway, method).await;
    let request = ChargeRequest { begun_at: request.begun_at - LONG_AGO, ..request };
    let first = paid(gateway, request.clone()).await;
    assert_eq!(paid(gateway, request).await, first, "an old charge is found again");
}

async fn check_a_refusal_is_an_outcome(
    gateway: &dyn PaymentGateway,
    method: &Secret,
    reason: DeclineReason,
) {
    let request = request(gateway, method).await;
    for attempt in 1..=2 {
        match gateway.charge(request.clone()).await {
            Ok(ChargeOutcome::Declined(given)) => {
                assert_eq!(given, reason, "attempt {attempt}");
            }
            other => panic!("attempt {attempt}: expected a decline, got {other:?}"),
        }
    }
}

async fn check_what_was_cut_off_is_finished(gateway: &dyn PaymentGateway, method: &Secret) {
    let request = request(gateway, method).await;
    let request = ChargeRequest { allowed: Duration::from_millis(50), ..request };
    let asked = Instant::now();
    let outcome = gateway.charge(request.clone()).await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
    assert!(asked.elapsed() >= request.allowed, "it waited for as long as it was allowed to");

    let first = paid(gateway, request.clone()).await;
    assert_eq!(paid(gateway, request).await, first, "and it was one charge");
}

async fn check_nothing_moves_out_of_reach(gateway: &dyn PaymentGateway, method: &Secret) {
    for _ in 0..2 {
        let outcome = gateway.charge(request(gateway, method).await).await;
        assert!(matches!(outcome, Err(GatewayError::Unreachable(_))), "{outcome:?}");
    }
}

async fn paid(gateway: &dyn PaymentGateway, request: ChargeRequest) -> String {
    match gateway.charge(request).await {
        Ok(ChargeOutcome::Paid(charge)) => charge.reference,
        other => panic!("expected a paid charge, got {other:?}"),
    }
}

/// A charge under a key of its own, of a new tenant that is a customer.
async fn request(gateway: &dyn PaymentGateway, method: &Secret) -> ChargeRequest {
    let id = CallId::random();
    let tenant = TenantId(id.0);
    ChargeRequest {
        key: CallKey::new(format!("contract/{id}")),
        tenant,
        customer: Some(customers::of(gateway, tenant).await),
        amount: Money::new(4_900, Currency::EUR),
        payment_method: method.clone(),
        description: "Contract suite".to_owned(),
        begun_at: SystemClock.now(),
        allowed: PATIENT,
    }
}

/// More than any provider needs.
const PATIENT: Duration = Duration::from_secs(10);
