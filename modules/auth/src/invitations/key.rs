//! The name that a client gives to its request for an invitation.

use std::time::Duration;

use kernel::CallContext;
use storage::{Claim, Store, StoreError, TenantTx};

use super::{http::Invitation, store::invitations};

/// The route that the keys belong to.
const ROUTE: &str = "POST /v1/auth/invitations";
const CREATED: u16 = 201;

/// The client's identity for a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestKey {
    /// The `Idempotency-Key`.
    pub(crate) key: String,
    /// Tells a repetition from another request under the same key.
    pub(crate) body_hash: String,
}

impl RequestKey {
    /// Claims the key for as long as the request may be at work.
    pub(super) async fn claim(&self, tx: &TenantTx, lease: Duration) -> Result<Claim, StoreError> {
        tx.claim_key(ROUTE, &self.key, &self.body_hash, lease).await
    }

    /// Keeps the answer, with what it tells of.
    pub(super) async fn complete(
        &self,
        tx: &TenantTx,
        invitation: &invitations::Model,
    ) -> Result<(), StoreError> {
        let answer = Invitation::seen_at(invitation.clone(), tx.store().clock().now());
        let json = serde_json::to_value(answer).map_err(|source| StoreError::Json {
            module: tx.store().module(),
            what: "an invitation",
            source,
        })?;
        tx.complete_key(ROUTE, &self.key, CREATED, &json).await
    }

    /// Frees the key of a request that brought no invitation, so that it may be sent again at once.
    pub(super) async fn free(&self, store: &Store, ctx: &CallContext) {
        let freed = async {
            let tx = store.write(ctx).await?;
            tx.forget_key(ROUTE, &self.key).await?;
            tx.commit().await
        };
        if let Err(error) = freed.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an idempotency key stays claimed until its lease ends"
            );
        }
    }
}
