//! The name that a client gives to its request for an invitation.
//!
//! A transaction that touches both takes the key before the invitation: see `crate::locks`.

use std::time::Duration;

use kernel::CallContext;
use sea_orm::{ColumnTrait, Condition};
use serde_json::Value;
use storage::{Claim, Store, StoreError, TenantTx, tables::idempotency_keys as keys};
use web::{Problem, RequestKey};

use super::{http::Invitation, store::invitations};

/// The route that the keys belong to.
pub(crate) const ROUTE: &str = "POST /v1/auth/invitations";
const CREATED: u16 = 201;

/// Claims the key for as long as the request may be at work.
pub(super) async fn claim(
    tx: &TenantTx,
    key: &RequestKey,
    lease: Duration,
) -> Result<Claim, StoreError> {
    tx.claim_key(ROUTE, &key.key, &key.body_hash, lease).await
}

/// Keeps others from the key until the transaction ends.
pub(super) async fn hold(tx: &TenantTx, key: &str) -> Result<(), StoreError> {
    tx.find::<keys::Entity>().filter(one_key(key)).lock().one().await.map(drop)
}

/// Keeps the invitation for those who repeat the request.
pub(super) async fn answer(
    tx: &TenantTx,
    key: &RequestKey,
    invitation: &invitations::Model,
) -> Result<(), StoreError> {
    let answer = Invitation::seen_at(invitation.clone(), tx.store().clock().now());
    let json = serde_json::to_value(answer).map_err(|source| StoreError::Json {
        module: tx.store().module(),
        what: "an invitation",
        source,
    })?;
    complete(tx, key, CREATED, &json).await
}

/// Keeps a refusal for those who repeat the request.
pub(super) async fn refuse(
    tx: &TenantTx,
    key: &RequestKey,
    problem: &Problem,
) -> Result<(), StoreError> {
    complete(tx, key, problem.status().as_u16(), &problem.to_json()).await
}

/// Frees a key that nothing was done under.
pub(super) async fn free(tx: &TenantTx, key: &str) -> Result<(), StoreError> {
    tx.delete_many::<keys::Entity>()
        .filter(one_key(key))
        .filter(keys::Column::State.eq(keys::State::InFlight))
        .exec()
        .await
        .map(drop)
}

/// Ends the lease of a key whose request has no answer: a repetition may go on at once, and only a
/// repetition.
pub(super) async fn rest(store: &Store, ctx: &CallContext, key: &RequestKey) {
    let rested = async {
        let now = store.clock().now().to_offset_date_time();
        let tx = store.write(ctx).await?;
        tx.update_many::<keys::Entity>()
            .set(keys::Column::LeaseUntil, now)
            .filter(one_key(&key.key))
            .filter(keys::Column::State.eq(keys::State::InFlight))
            .exec()
            .await?;
        tx.commit().await
    };
    if let Err(error) = rested.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an idempotency key stays claimed until its lease ends"
        );
    }
}

async fn complete(
    tx: &TenantTx,
    key: &RequestKey,
    status: u16,
    body: &Value,
) -> Result<(), StoreError> {
    match tx.complete_key(ROUTE, &key.key, status, body).await {
        // The request took longer than its lease, and the key was freed meanwhile.
        Err(StoreError::NotFound { .. }) => Ok(()),
        done => done,
    }
}

fn one_key(key: &str) -> Condition {
    Condition::all().add(keys::Column::Route.eq(ROUTE)).add(keys::Column::Key.eq(key))
}
