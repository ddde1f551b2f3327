use std::time::Duration;

use billing_api::{
    Charge, ChargeOutcome, ChargeRequest, DeclineReason, GatewayError, PaymentGateway,
    RefundOutcome, RefundRequest,
    testing::{ContractMethods, RefundRules, payment_gateway_contract},
};
use kernel::{CallKey, Clock, Currency, Money, Secret, SystemClock, TenantId};
use sandbox::SandboxGateway;
use uuid::Uuid;

#[tokio::test]
async fn keeps_the_contract_of_payments() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = SandboxGateway::open(directory.path()).expect("a gateway");
    let methods = ContractMethods {
        pays: Secret::new("pm_card_visa"),
        declines: vec![
            (Secret::new("pm_card_visa_chargeDeclined"), DeclineReason::Generic),
            (
                Secret::new("pm_card_visa_chargeDeclinedInsufficientFunds"),
                DeclineReason::InsufficientFunds,
            ),
            (Secret::new("pm_card_visa_chargeDeclinedExpiredCard"), DeclineReason::ExpiredCard),
            (Secret::new("pm_card_authenticationRequired"), DeclineReason::AuthenticationRequired),
            (Secret::new("pm_card_of_nobody"), DeclineReason::UnknownPaymentMethod),
        ],
        hangs: Some(Secret::new("pm_sandbox_hangs")),
        unreachable: Some(Secret::new("pm_sandbox_unreachable")),
        refunds: RefundRules::Guarded,
    };
    payment_gateway_contract(&gateway, &methods).await;
}

#[tokio::test]
async fn another_process_finds_the_same_charges() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || SandboxGateway::open(directory.path()).expect("a gateway");
    let first = open().charge(request("pm_card_visa")).await.expect("an outcome");

    let other = open();
    assert_eq!(other.charge(request("pm_card_visa")).await.expect("an outcome"), first);
    let charges = other.charges().expect("charges");
    let ChargeOutcome::Paid(charge) = first else { panic!("not paid") };
    assert_eq!(charges.len(), 1);
    assert_eq!(charges[0].reference, Some(charge.reference));
    assert_eq!(charges[0].amount, Money::new(1_200, Currency::EUR));
}

#[tokio::test]
async fn another_process_finds_the_same_refunds() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || SandboxGateway::open(directory.path()).expect("a gateway");
    let outcome = open().charge(request("pm_card_visa")).await.expect("an outcome");
    let ChargeOutcome::Paid(Charge { reference }) = outcome else { panic!("not paid") };
    let request = RefundRequest {
        key: CallKey::new("refund/1"),
        charge: reference.clone(),
        amount: Money::new(200, Currency::EUR),
        begun_at: SystemClock.now(),
        allowed: Duration::from_secs(5),
    };
    let first = open().refund(request.clone()).await.expect("an outcome");
    assert!(matches!(first, RefundOutcome::Refunded(_)), "{first:?}");
    assert_eq!(open().refund(request).await.expect("an outcome"), first);
    let refunds = open().refunds().expect("refunds");
    assert_eq!(refunds.len(), 1);
    assert_eq!((&refunds[0].charge, refunds[0].amount.amount), (&reference, 200));
    assert_eq!(open().charges().expect("charges").len(), 1, "a refund is no charge");
}

/// Written by a build that knew no customers.
#[tokio::test]
async fn an_old_record_is_still_the_same_charge() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = SandboxGateway::open(directory.path()).expect("a gateway");
    let first = gateway.charge(request("pm_card_visa")).await.expect("an outcome");
    let customer = gateway
        .customer(billing_api::CustomerRequest {
            key: CallKey::new("customer/1"),
            tenant: TenantId(Uuid::from_u128(1)),
            allowed: Duration::from_secs(5),
        })
        .await
        .expect("a customer");
    let again = ChargeRequest { customer: Some(customer), ..request("pm_card_visa") };
    assert_eq!(gateway.charge(again).await.expect("an outcome"), first);
    assert_eq!(gateway.charges().expect("charges")[0].customer, None);
}

#[tokio::test]
async fn a_hanging_charge_is_on_record_before_it_hangs() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = SandboxGateway::open(directory.path()).expect("a gateway");
    let hanging = ChargeRequest { allowed: Duration::ZERO, ..request("pm_sandbox_hangs") };
    assert!(gateway.charge(hanging).await.is_err());
    let charges = gateway.charges().expect("charges");
    assert!(charges[0].reference.is_some(), "the money was taken");
}

#[tokio::test]
async fn no_record_holds_the_payment_method() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = SandboxGateway::open(directory.path()).expect("a gateway");
    gateway.charge(request("pm_card_visa_chargeDeclined")).await.expect("an outcome");
    let mut files = std::fs::read_dir(directory.path()).expect("files");
    let file = files.next().expect("a record").expect("a record").path();
    let json = std::fs::read_to_string(file).expect("text");
    assert!(json.contains("card_declined") && !json.contains("pm_card"), "{json}");
    assert!(files.next().is_none(), "nothing else is left behind");
}

fn request(payment_method: &str) -> ChargeRequest {
    ChargeRequest {
        key: CallKey::new("charge/1"),
        tenant: TenantId(Uuid::from_u128(1)),
        customer: None,
        amount: Money::new(1_200, Currency::EUR),
        payment_method: Secret::new(payment_method),
        description: "Team, 1 seat".to_owned(),
        begun_at: SystemClock.now(),
        allowed: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn what_was_unreachable_pays_in_every_process_once_it_has_come_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || SandboxGateway::open(directory.path()).expect("a gateway");
    let gateway = open();
    let refused = gateway.charge(request("pm_sandbox_unreachable")).await;
    assert!(matches!(refused, Err(GatewayError::Unreachable(_))), "{refused:?}");

    open().come_back().expect("written");
    let paid = gateway.charge(request("pm_sandbox_unreachable")).await.expect("an outcome");
    assert!(matches!(paid, ChargeOutcome::Paid(_)), "{paid:?}");
    assert_eq!(gateway.charges().expect("charges").len(), 1);
}
