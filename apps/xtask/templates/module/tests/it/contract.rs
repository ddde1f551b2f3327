//! The contract of `{{Module}}Api`, over each way to reach it.

use std::time::Duration;

use kernel::{CallContext, CallKey, Clock as _, TenantId};
use module::Placement;
use {{name}}_api::{New{{Item}}, {{Item}}Id, {{Item}}Query, {{Module}}Error};
use seam::{CallFailure, Repeat};
use testing::{Client, anonymous_context, tenant_context};
use uuid::Uuid;

use crate::harness::{House, tenant};

#[actix_web::test]
async fn keeps_its_contract_when_called_directly() {
    keeps_its_contract(&House::placed(Placement::Direct).await).await;
}

#[actix_web::test]
async fn keeps_its_contract_over_the_wire_where_every_call_arrives_twice() {
    keeps_its_contract(&House::placed(Placement::Loopback(Repeat::Always)).await).await;
}

#[actix_web::test]
async fn keeps_its_contract_over_http() {
    let mut house = House::placed(Placement::Direct).await;
    house.port = Client::Http.of(house.port);
    keeps_its_contract(&house).await;
}

async fn keeps_its_contract(house: &House) {
    check_what_is_created_is_found(house, tenant(1)).await;
    check_a_key_has_one_outcome(house, tenant(2)).await;
    check_a_name_is_held_to_its_bounds(house, tenant(3)).await;
    check_tenants_do_not_meet(house, tenant(4), tenant(5)).await;
    check_a_caller_acts_for_a_tenant(house).await;
    check_no_work_is_done_too_late(house, tenant(6)).await;
}

fn named(name: &str) -> New{{Item}} {
    New{{Item}} { name: name.to_owned() }
}

fn under(tenant: TenantId, key: &str) -> CallContext {
    tenant_context(tenant).with_key(CallKey::new(key))
}

async fn check_what_is_created_is_found(house: &House, tenant: TenantId) {
    let ctx = || tenant_context(tenant);
    let created = house.port.create_{{item}}(&ctx(), named(" Bridge ")).await.expect("created");
    assert_eq!(created.name, "Bridge");
    assert_eq!(created.created_at, house.store.clock().now());
    let query = {{Item}}Query { {{item}}: created.id };
    assert_eq!(house.port.{{item}}(&ctx(), query).await, Ok(created));
    let nobody = {{Item}}Query { {{item}}: {{Item}}Id(Uuid::from_u128(7)) };
    assert_eq!(house.port.{{item}}(&ctx(), nobody).await, Err({{Module}}Error::NotFound));
}

async fn check_a_key_has_one_outcome(house: &House, tenant: TenantId) {
    let before = house.published().await.len();
    let first = house.port.create_{{item}}(&under(tenant, "k"), named("Once")).await;
    let again = house.port.create_{{item}}(&under(tenant, "k"), named("Once")).await;
    assert!(first.is_ok(), "{first:?}");
    assert_eq!(first, again);
    assert_eq!(house.published().await.len(), before + 1);
    let other = house.port.create_{{item}}(&under(tenant, "k"), named("Another")).await;
    assert!(matches!(other, Err({{Module}}Error::Call(_))), "{other:?}");
}

async fn check_a_name_is_held_to_its_bounds(house: &House, tenant: TenantId) {
    for name in [String::new(), "two\nlines".to_owned(), "é".repeat(101)] {
        let refused = house.port.create_{{item}}(&tenant_context(tenant), named(&name)).await;
        assert!(matches!(refused, Err({{Module}}Error::Invalid { .. })), "{refused:?}");
    }
}

async fn check_tenants_do_not_meet(house: &House, mine: TenantId, other: TenantId) {
    let created = house.port.create_{{item}}(&tenant_context(mine), named("Mine")).await;
    let query = {{Item}}Query { {{item}}: created.expect("created").id };
    let foreign = house.port.{{item}}(&tenant_context(other), query).await;
    assert_eq!(foreign, Err({{Module}}Error::NotFound));
}

async fn check_a_caller_acts_for_a_tenant(house: &House) {
    let refused = house.port.create_{{item}}(&anonymous_context(), named("Whose?")).await;
    assert_eq!(refused, Err({{Module}}Error::Forbidden));
}

async fn check_no_work_is_done_too_late(house: &House, tenant: TenantId) {
    let before = house.published().await.len();
    let late = under(tenant, "late").with_time(Duration::ZERO);
    let refused = house.port.create_{{item}}(&late, named("Too late")).await;
    let failure = CallFailure::deadline_exceeded("{{name}}");
    assert_eq!(refused, Err({{Module}}Error::Call(failure)));
    assert_eq!(house.published().await.len(), before);
}
