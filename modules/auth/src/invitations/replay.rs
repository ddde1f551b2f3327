//! What an invitation's token was answered: a lost answer can be had again. The token is the key,
//! since who accepts has no tenant to name another one in.

use kernel::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{KEY_LIFETIME, Store, StoreError, SystemTx, tables::idempotency_keys as keys};

use super::{
    accept::{Accepted, Joined},
    http::AcceptedInvitation,
    store::{StoredStatus, invitations},
};
use crate::scopes;

const ROUTE: &str = "POST /v1/auth/invitations/accept";
const OK: u16 = 200;

/// Keeps the answer for a day.
pub(super) async fn keep(
    tx: &SystemTx,
    token_hash: &str,
    body_hash: &str,
    joined: &Joined,
) -> Result<(), StoreError> {
    let now = tx.store().clock().now();
    let answer = serde_json::to_value(AcceptedInvitation::from(joined));
    let answer = answer.map_err(|source| StoreError::Json {
        module: tx.store().module(),
        what: "an acceptance",
        source,
    })?;
    tx.insert(keys::ActiveModel {
        tenant_id: Set(joined.tenant.0),
        route: Set(ROUTE.to_owned()),
        key: Set(token_hash.to_owned()),
        body_hash: Set(body_hash.to_owned()),
        state: Set(keys::State::Done),
        status: Set(Some(OK.into())),
        response: Set(Some(answer)),
        claimed_at: Set(now.into()),
        lease_until: Set(now.into()),
        expires_at: Set((now + KEY_LIFETIME).into()),
    })
    .await?;
    Ok(())
}

/// The answer to the same request with the same token; nothing for another request.
pub(super) async fn find(
    store: &Store,
    token_hash: &str,
    body_hash: &str,
) -> Result<Option<Accepted>, StoreError> {
    let reader = store.system(&scopes::ACCEPTANCE);
    let invitation = reader
        .find::<invitations::Entity>()
        .filter(invitations::Column::TokenHash.eq(token_hash))
        .filter(invitations::Column::Status.eq(StoredStatus::Accepted))
        .one()
        .await?;
    let Some(invitation) = invitation else { return Ok(None) };
    let kept = reader
        .find::<keys::Entity>()
        .filter(keys::Column::TenantId.eq(invitation.tenant_id))
        .filter(keys::Column::Route.eq(ROUTE))
        .filter(keys::Column::Key.eq(token_hash))
        .one()
        .await?;
    let now = store.clock().now();
    let kept = kept.filter(|kept| kept.body_hash == body_hash);
    let kept = kept.filter(|kept| now < Timestamp::new(kept.expires_at));
    Ok(kept.and_then(|kept| {
        let status = u16::try_from(kept.status?).ok()?;
        Some(Accepted::Replayed { status, body: kept.response? })
    }))
}
