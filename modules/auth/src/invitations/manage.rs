//! Listing and revoking.

use kernel::{CallContext, InvitationId, Page, PageRequest, UserId};
use sea_orm::ColumnTrait;
use storage::StoreError;

use super::{
    domain::{Status, Step},
    jobs,
    store::{self, StoredStatus, invitations},
};
use crate::{
    audit::{self, Action},
    service::AuthService,
};

/// Why an invitation was not revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeError {
    #[error("the tenant has no such invitation")]
    NotFound,
    #[error("the invitation was accepted")]
    AlreadyAccepted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthService {
    /// The tenant's invitations, newest first.
    pub(crate) async fn invitations(
        &self,
        ctx: &CallContext,
        request: &PageRequest,
    ) -> Result<Page<invitations::Model>, StoreError> {
        self.store
            .read(ctx)?
            .find::<invitations::Entity>()
            .filter(invitations::Column::Status.ne(StoredStatus::Reserving))
            .page(request, invitations::Column::CreatedAt, invitations::Column::Id)
            .await
    }

    /// Takes a pending invitation back, and its seat. One that is over already stays as it is.
    pub(crate) async fn revoke(
        &self,
        ctx: &CallContext,
        user: UserId,
        id: InvitationId,
    ) -> Result<(), RevokeError> {
        storage::retrying(|| self.try_to_revoke(ctx, user, id)).await
    }

    async fn try_to_revoke(
        &self,
        ctx: &CallContext,
        user: UserId,
        id: InvitationId,
    ) -> Result<(), RevokeError> {
        let tx = self.store.write(ctx).await?;
        let row = store::find(&tx, id).await?.ok_or(RevokeError::NotFound)?;
        let status = Status::from(row.status);
        match status {
            // Nobody was told of it yet.
            Status::Reserving => return Err(RevokeError::NotFound),
            Status::Accepted => return Err(RevokeError::AlreadyAccepted),
            Status::Pending | Status::Revoked | Status::Expired => {}
        }
        if let Some(revoked) = status.after(Step::Revoke) {
            tx.update(store::moved(row, revoked, self.store.clock().now())).await?;
            tx.cancel(&jobs::expiry_job(id)).await?;
            jobs::release_seat(&self.store, &tx, id).await?;
            let line = audit::Line {
                actor: Some(user),
                action: Action::InvitationRevoked,
                subject: Some(id.0),
            };
            audit::write(&tx, line).await?;
        }
        Ok(tx.commit().await?)
    }
}
