//! Deleting what has had its time. Each step is a transaction of its own.

use std::time::Duration;

use sea_orm::ColumnTrait;
use storage::{StoreError, tables::idempotency_keys};

use crate::{
    invitations::INVITATIONS_ROUTE,
    registration::verification_tokens,
    scopes,
    service::AuthService,
    sessions::{refresh_tokens, sessions, sign_ins},
};

/// How often what has expired is deleted. The copy of a refresh token that was exchanged is of no
/// use after some seconds, and is kept no longer than this.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// How often claims are looked through.
pub(crate) const FREE_CLAIMS_EVERY: Duration = Duration::from_secs(60);

/// How long after its lease a claim is left to the check of its invitation.
const LEFT_ALONE: Duration = Duration::from_secs(60);

impl AuthService {
    /// Deletes what has expired and erases what may no longer be given out.
    pub(crate) async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.now();
        let expired = now.to_offset_date_time();

        let tx = self.store.system_write(&scopes::SWEEP).await?;
        let forgotten = (now - self.settings.refresh_reuse_grace).to_offset_date_time();
        tx.update_many::<refresh_tokens::Entity>()
            .set(refresh_tokens::Column::SealedSuccessor, Option::<String>::None)
            .filter(refresh_tokens::Column::SealedSuccessor.is_not_null())
            .filter(refresh_tokens::Column::RotatedAt.lt(forgotten))
            .exec()
            .await?;
        tx.commit().await?;

        let tx = self.store.system_write(&scopes::SWEEP).await?;
        tx.delete_many::<verification_tokens::Entity>()
            .filter(verification_tokens::Column::ExpiresAt.lte(expired))
            .exec()
            .await?;
        tx.commit().await?;

        let tx = self.store.system_write(&scopes::SWEEP).await?;
        // A session's tokens go with it.
        tx.delete_many::<sessions::Entity>()
            .filter(sessions::Column::ExpiresAt.lte(expired))
            .exec()
            .await?;
        tx.commit().await?;

        let tx = self.store.system_write(&scopes::SWEEP).await?;
        tx.delete_many::<refresh_tokens::Entity>()
            .filter(refresh_tokens::Column::ExpiresAt.lte(expired))
            .exec()
            .await?;
        tx.commit().await?;

        let tx = self.store.system_write(&scopes::SWEEP).await?;
        let old = (now - self.settings.sign_in_retention).to_offset_date_time();
        tx.delete_many::<sign_ins::Entity>()
            .filter(sign_ins::Column::CreatedAt.lte(old))
            .exec()
            .await?;
        tx.commit().await
    }

    /// Frees the keys of requests that died on the way: what they left behind is taken back by its
    /// own check, which knows the key of the last request for an invitation, and not those before.
    pub(crate) async fn free_claims(&self) -> Result<(), StoreError> {
        let overdue = self.now() - LEFT_ALONE;
        let tx = self.store.system_write(&scopes::SWEEP).await?;
        let freed = tx
            .delete_many::<idempotency_keys::Entity>()
            .filter(idempotency_keys::Column::Route.eq(INVITATIONS_ROUTE))
            .filter(idempotency_keys::Column::State.eq(idempotency_keys::State::InFlight))
            .filter(idempotency_keys::Column::LeaseUntil.lt(overdue.to_offset_date_time()))
            .exec()
            .await?;
        tx.commit().await?;
        if freed > 0 {
            tracing::info!(auth.claims = freed, "the keys of requests that died are free again");
        }
        Ok(())
    }
}
