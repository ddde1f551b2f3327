//! Who pays.

use kernel::{CallId, CallKey, Secret, TenantId};

use super::{PATIENT, paid, request};
use crate::{ChargeRequest, Customer, CustomerRequest, PaymentGateway};

pub(super) async fn check(gateway: &dyn PaymentGateway, pays: &Secret) {
    let (ada, eve) = (TenantId(CallId::random().0), TenantId(CallId::random().0));
    let customer = of(gateway, ada).await;
    assert_eq!(of(gateway, ada).await, customer, "a repeated key returns the first customer");
    assert_ne!(of(gateway, eve).await, customer, "two tenants are two customers");

    let before_customers = ChargeRequest { customer: None, ..request(gateway, pays).await };
    let first = paid(gateway, before_customers.clone()).await;
    assert_eq!(paid(gateway, before_customers).await, first, "an old charge has no customer");
}

/// The customer that `tenant` is.
pub(super) async fn of(gateway: &dyn PaymentGateway, tenant: TenantId) -> Customer {
    let key = CallKey::new(format!("contract/customer/{tenant}"));
    let customer = gateway.customer(CustomerRequest { key, tenant, allowed: PATIENT }).await;
    let customer = customer.expect("a customer");
    assert!((1..=255).contains(&customer.reference.len()), "{customer:?}");
    customer
}
