//! Money that goes back.

use futures_util::future::join_all;
use kernel::{CallId, CallKey, Clock, Currency, Money, SystemClock};

use super::{ContractMethods, LONG_AGO, PATIENT, paid, request};
use crate::{GatewayError, PaymentGateway, RefundOutcome, RefundRefusal, RefundRequest};

/// How well a provider looks after refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRules {
    /// It gives back what it took and no more.
    Guarded,
    /// It does not look at what is left, and does not say plainly that it knows no charge: a
    /// stand-in for a provider.
    Lax,
}

pub(super) async fn check(gateway: &dyn PaymentGateway, methods: &ContractMethods) {
    let charge = paid(gateway, request(gateway, &methods.pays).await).await;
    let part = refund(&charge, 1_000);
    let all_at_once = join_all((0..10).map(|_| refunded(gateway, part.clone()))).await;
    let first = &all_at_once[0];
    assert!(all_at_once.iter().all(|one| one == first), "one refund per key: {all_at_once:?}");
    assert_eq!(&refunded(gateway, part.clone()).await, first, "a repeated key is the first refund");
    assert_ne!(&refunded(gateway, refund(&charge, 1_000)).await, first, "two keys are two refunds");

    let other = RefundRequest { amount: Money::new(1_001, Currency::EUR), ..part };
    let outcome = gateway.refund(other).await;
    assert!(matches!(outcome, Err(GatewayError::KeyReused)), "{outcome:?}");

    let old = refund(&charge, 500);
    let old = RefundRequest { begun_at: old.begun_at - LONG_AGO, ..old };
    let first = refunded(gateway, old.clone()).await;
    assert_eq!(refunded(gateway, old).await, first, "an old refund is found again");

    if methods.refunds == RefundRules::Guarded {
        for _ in 0..2 {
            refused(gateway, refund(&charge, 2_401), RefundRefusal::MoreThanLeft).await;
        }
        refunded(gateway, refund(&charge, 2_400)).await;
        refused(gateway, refund(&charge, 1), RefundRefusal::MoreThanLeft).await;
        refused(gateway, refund("of nobody", 1), RefundRefusal::UnknownCharge).await;
    }
}

async fn refunded(gateway: &dyn PaymentGateway, request: RefundRequest) -> String {
    match gateway.refund(request).await {
        Ok(RefundOutcome::Refunded(refund)) => refund.reference,
        other => panic!("expected a refund, got {other:?}"),
    }
}

async fn refused(gateway: &dyn PaymentGateway, request: RefundRequest, refusal: RefundRefusal) {
    let outcome = gateway.refund(request).await;
    let Ok(RefundOutcome::Refused(given)) = outcome else {
        panic!("expected a refusal, got {outcome:?}");
    };
    assert_eq!(given, refusal);
}

/// Under a key of its own.
fn refund(charge: &str, amount: i64) -> RefundRequest {
    RefundRequest {
        key: CallKey::new(format!("contract/refund/{}", CallId::random())),
        charge: charge.to_owned(),
        amount: Money::new(amount, Currency::EUR),
        begun_at: SystemClock.now(),
        allowed: PATIENT,
    }
}
