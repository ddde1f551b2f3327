//! The tenant as a customer of the payment provider.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use billing_api::{
    ChargeOutcome, ChargeRequest, Customer, CustomerRequest, GatewayError, PaymentGateway,
    RefundOutcome, RefundRequest,
};
use sandbox::SandboxGateway;
use sea_orm::{ColumnTrait, sea_query::Expr};
use testing::tenant_context;

use crate::{
    gateways::{Mood, Moody},
    support::{Bench, check_problem, order, tenant},
    tables::{charges, payment_customers},
};

/// Makes another customer at every time of asking, and none at the first few.
struct Forgetful {
    inner: SandboxGateway,
    asked: AtomicU32,
    fails: u32,
    error: fn() -> GatewayError,
}

#[async_trait]
impl PaymentGateway for Forgetful {
    fn provider(&self) -> &'static str {
        "forgetful"
    }

    async fn customer(&self, _: CustomerRequest) -> Result<Customer, GatewayError> {
        match self.asked.fetch_add(1, Ordering::SeqCst) + 1 {
            n if n <= self.fails => Err((self.error)()),
            n => Ok(Customer { reference: format!("cus_{n}") }),
        }
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        self.inner.charge(request).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        self.inner.refund(request).await
    }
}

async fn bench(fails: u32, error: fn() -> GatewayError) -> Bench {
    let gateway =
        |inner| Arc::new(Forgetful { inner, asked: AtomicU32::new(0), fails, error }) as Arc<_>;
    Bench::with_gateway(gateway).await
}

impl Bench {
    async fn customers(&self) -> Vec<(String, String)> {
        let ctx = tenant_context(tenant(1));
        let known = self.data.read(&ctx).expect("a tenant").find::<payment_customers::Entity>();
        let known = known.all().await.expect("customers");
        known.into_iter().map(|customer| (customer.provider, customer.reference)).collect()
    }
}

#[actix_web::test]
async fn a_tenant_is_made_a_customer_once_and_pays_as_that() {
    let bench = bench(0, || GatewayError::KeyReused).await;
    for (key, method) in [
        ("key-1", "pm_card_visa_chargeDeclined"),
        ("key-2", "pm_card_visa_chargeDeclinedExpiredCard"),
        ("key-3", "pm_card_visa"),
    ] {
        bench.subscribe("owner@1", key, order(method)).await;
    }
    let charges = bench.charges();
    assert!(charges.iter().all(|charge| charge.customer.as_deref() == Some("cus_1")));
    assert_eq!(charges.len(), 3);
    assert_eq!(bench.customers().await, [("forgetful".to_owned(), "cus_1".to_owned())]);

    // Another tenant is another customer.
    bench.subscribe("owner@2", "key-1", order("pm_card_visa")).await;
    let customers = bench.charges().into_iter().filter_map(|charge| charge.customer);
    assert!(customers.into_iter().any(|customer| customer == "cus_2"));
}

#[actix_web::test]
async fn without_a_customer_nobody_is_charged_and_nothing_is_left() {
    let errors: [fn() -> GatewayError; 4] = [
        || GatewayError::Unreachable("away".into()),
        || GatewayError::Unknown("mute".into()),
        || GatewayError::Rejected("wrong".into()),
        || GatewayError::KeyReused,
    ];
    for error in errors {
        let bench = bench(1, error).await;
        let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
        check_problem(&answer, 503, "payment-provider-unavailable");
        bench.let_it_complete().await;
        assert!(bench.charges().is_empty() && bench.customers().await.is_empty());
        let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
        assert_eq!(answer.status, 201, "the key is free: {answer:#?}");
    }
}

/// A build that knew no customers has left it open.
#[actix_web::test]
async fn an_old_charge_is_completed() {
    let bench = Bench::with_gateway(|sandbox| Arc::new(Moody::new(sandbox, [Mood::Mute]))).await;
    let answer = bench.subscribe("owner@1", "key-1", order("pm_card_visa")).await;
    check_problem(&answer, 503, "payment-outcome-unknown");
    let tx = bench.data.write(&tenant_context(tenant(1))).await.expect("a transaction");
    let old = tx
        .update_many::<charges::Entity>()
        .set(charges::Column::Customer, Expr::value(Option::<String>::None))
        .filter(charges::Column::Customer.is_not_null());
    assert_eq!(old.exec().await.expect("done"), 1);
    tx.delete_many::<payment_customers::Entity>().exec().await.expect("done");
    tx.commit().await.expect("done");

    bench.let_it_complete().await;
    let shown = bench.get("owner@1", "/v1/billing/subscription").await;
    assert_eq!(shown.status, 200, "{shown:#?}");
    assert_eq!(bench.customers().await.len(), 1);
    assert_eq!(bench.charges().len(), 1);
}
