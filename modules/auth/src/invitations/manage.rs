//! Listing and revoking.

use kernel::{CallContext, InvitationId, Page, PageRequest, Timestamp, UserId};
use sea_orm::{ColumnTrait, Condition};
use storage::StoreError;

use super::{
    domain::{Status, Step},
    jobs,
    store::{self, StoredStatus, invitations},
};
use crate::{audit::Action, service::AuthService};

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
        let reader = self.store.read(ctx)?;
        let mut query = reader
            .find::<invitations::Entity>()
            .filter(invitations::Column::Status.ne(StoredStatus::Reserving));
        if let Some(cursor) = &request.cursor {
            let at = cursor.at.to_offset_date_time();
            let same_time = Condition::all()
                .add(invitations::Column::CreatedAt.eq(at))
                .add(invitations::Column::Id.lt(cursor.id));
            let before = invitations::Column::CreatedAt.lt(at);
            query = query.filter(Condition::any().add(before).add(same_time));
        }
        let rows = query
            .order_by_desc(invitations::Column::CreatedAt)
            .order_by_desc(invitations::Column::Id)
            .limit(u64::from(request.size()) + 1)
            .all()
            .await?;
        Ok(Page::from_rows(rows, request, |row| (Timestamp::from(row.created_at), row.id)))
    }

    /// Takes a pending invitation back, and its seat. One that is over already stays as it is.
    pub(crate) async fn revoke(
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
            self.audit_invitation(&tx, Action::InvitationRevoked, user, id).await?;
        }
        Ok(tx.commit().await?)
    }
}
