//! The contract suite of `BillingApi`, over each way to reach it.

use billing_api::{BillingError, SeatRequest, testing::billing_contract};
use kernel::CallKey;
use module::Placement;
use seam::Repeat;
use testing::{Client, noon, tenant_context};

use crate::support::{Bench, tenant};

#[tokio::test]
async fn keeps_its_contract_when_called_directly() {
    let bench = Bench::new().await;
    billing_contract(&*bench.api(), noon()).await;
}

#[tokio::test]
async fn keeps_its_contract_over_the_wire() {
    let bench = Bench::placed(Placement::Loopback(Repeat::Always)).await;
    billing_contract(&*bench.api(), noon()).await;
}

#[tokio::test]
async fn keeps_its_contract_over_http() {
    let bench = Bench::new().await;
    billing_contract(&*Client::Http.of(bench.api()), noon()).await;
}

#[tokio::test]
async fn a_restart_between_two_calls_forgets_nothing() {
    let mut bench = Bench::new().await;
    let keyed = || tenant_context(tenant(1)).with_key(CallKey::new("first"));
    let first = bench.api().reserve_seat(&keyed(), seat("a")).await.expect("a seat");
    bench.api().reserve_seat(&tenant_context(tenant(1)), seat("b")).await.expect("a seat");
    bench.restart().await;
    let billing = bench.api();
    assert_eq!(billing.reserve_seat(&keyed(), seat("a")).await, Ok(first));
    let third = billing.reserve_seat(&tenant_context(tenant(1)), seat("c")).await;
    assert_eq!(third, Err(BillingError::NoFreeSeat { limit: 2 }));
}

fn seat(holder: &str) -> SeatRequest {
    SeatRequest { holder: holder.to_owned() }
}
