//! The life of an idempotency key.

use std::time::Duration;

use kernel::{Clock as _, TenantId};
use serde_json::json;
use storage::{Claim, KEY_LIFETIME, StoreError, tables::idempotency_keys};

use crate::world::{TESTS, World, context, ours, theirs};

const ROUTE: &str = "POST /v1/notes";
const LEASE: Duration = Duration::from_secs(30);

async fn claim(world: &World, tenant: TenantId, key: &str, body: &str) -> Claim {
    let tx = world.store.write(&context(tenant)).await.expect("a transaction");
    let claim = tx.claim_key(ROUTE, key, body, LEASE).await.expect("a claim");
    tx.commit().await.expect("a commit");
    claim
}

async fn complete(world: &World, key: &str, status: u16) {
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.complete_key(ROUTE, key, status, &json!({"id": 7})).await.expect("a completion");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_key_is_claimed_completed_and_replayed() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    complete(&world, "k", 201).await;
    let replay = Claim::Replay { status: 201, body: json!({"id": 7}) };
    assert_eq!(claim(&world, ours(), "k", "body").await, replay);
    assert_eq!(claim(&world, ours(), "k", "body").await, replay);
    assert_eq!(claim(&world, ours(), "k", "another body").await, Claim::Mismatch);
}

#[tokio::test]
async fn two_at_a_time_do_not_both_work() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    world.clock.advance(Duration::from_secs(10));
    let in_flight = Claim::InFlight { retry_after: Duration::from_secs(20) };
    assert_eq!(claim(&world, ours(), "k", "body").await, in_flight);
    assert_eq!(claim(&world, ours(), "k", "another body").await, Claim::Mismatch);
}

#[tokio::test]
async fn what_was_left_is_resumed_by_one() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    world.clock.advance(LEASE);
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::Resume);
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::InFlight { retry_after: LEASE });
    complete(&world, "k", 200).await;
    let replay = Claim::Replay { status: 200, body: json!({"id": 7}) };
    assert_eq!(claim(&world, ours(), "k", "body").await, replay);
}

#[tokio::test]
async fn a_claim_by_a_clock_that_was_ahead_does_not_last_until_then() {
    let world = World::new().await;
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    world.clock.set(world.clock.now() - Duration::from_secs(600));
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::Resume);
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::InFlight { retry_after: LEASE });
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_from_its_completion() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    world.clock.advance(Duration::from_secs(3_600));
    complete(&world, "k", 201).await;
    world.clock.advance(KEY_LIFETIME - Duration::from_secs(1));
    assert!(matches!(claim(&world, ours(), "k", "body").await, Claim::Replay { .. }));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(claim(&world, ours(), "k", "another body").await, Claim::New);
    let in_flight = Claim::InFlight { retry_after: LEASE };
    assert_eq!(claim(&world, ours(), "k", "another body").await, in_flight);
}

#[tokio::test]
async fn a_key_given_back_is_free() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.forget_key(ROUTE, "k").await.expect("an answer");
    tx.commit().await.expect("a commit");
    assert_eq!(claim(&world, ours(), "k", "another body").await, Claim::New);
}

#[tokio::test]
async fn keys_are_apart_by_tenant_and_by_route() {
    let world = World::new().await;
    assert_eq!(claim(&world, ours(), "k", "body").await, Claim::New);
    assert_eq!(claim(&world, theirs(), "k", "another body").await, Claim::New);
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let other = tx.claim_key("POST /v1/other", "k", "another body", LEASE).await;
    assert_eq!(other.expect("a claim"), Claim::New);
    tx.forget_key(ROUTE, "k").await.expect("an answer");
    tx.commit().await.expect("a commit");
    let left = world.store.system(&TESTS).find::<idempotency_keys::Entity>().count().await;
    assert_eq!(left.expect("a count"), 2, "theirs, and that of the other route");
}

#[tokio::test]
async fn only_a_claimed_key_is_completed() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let missing = tx.complete_key(ROUTE, "k", 201, &json!(null)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_claim_that_is_not_committed_is_none() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    assert_eq!(tx.claim_key(ROUTE, "k", "body", LEASE).await.expect("a claim"), Claim::New);
    drop(tx);
    assert_eq!(claim(&world, ours(), "k", "another body").await, Claim::New);
}
