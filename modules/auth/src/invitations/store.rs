//! The table of invitations.

use kernel::{InvitationId, Role, TenantId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, entity::prelude::*, sea_query::ExprTrait};
use storage::{StoreError, TenantTx};

use super::domain::Status;
use crate::people::{EmailAddress, StoredRole};

/// Invitations. `open_email` repeats the address for as long as the invitation is open: unique
/// within a tenant.
pub(crate) mod invitations {
    use sea_orm::entity::prelude::*;

    use super::StoredStatus;
    use crate::people::StoredRole;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitations")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub open_email: Option<String>,
        pub role: StoredRole,
        pub status: StoredStatus,
        pub token_hash: Option<String>,
        pub invited_by: Uuid,
        pub accepted_by: Option<Uuid>,
        /// Requests that have tried to reserve the seat.
        pub attempts: i32,
        pub expires_at: TimeDateTimeWithTimeZone,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// A [`Status`] as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub(crate) enum StoredStatus {
    #[sea_orm(string_value = "reserving")]
    Reserving,
    #[sea_orm(string_value = "pending")]
    Pending,
    #[sea_orm(string_value = "accepted")]
    Accepted,
    #[sea_orm(string_value = "revoked")]
    Revoked,
    #[sea_orm(string_value = "expired")]
    Expired,
}

impl From<Status> for StoredStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Reserving => Self::Reserving,
            Status::Pending => Self::Pending,
            Status::Accepted => Self::Accepted,
            Status::Revoked => Self::Revoked,
            Status::Expired => Self::Expired,
        }
    }
}

impl From<StoredStatus> for Status {
    fn from(status: StoredStatus) -> Self {
        match status {
            StoredStatus::Reserving => Self::Reserving,
            StoredStatus::Pending => Self::Pending,
            StoredStatus::Accepted => Self::Accepted,
            StoredStatus::Revoked => Self::Revoked,
            StoredStatus::Expired => Self::Expired,
        }
    }
}

/// An invitation whose seat is about to be reserved.
#[derive(Clone, Debug)]
pub(crate) struct NewInvitation {
    pub(crate) id: InvitationId,
    pub(crate) tenant: TenantId,
    pub(crate) email: EmailAddress,
    pub(crate) role: Role,
    pub(crate) invited_by: UserId,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Inserts it as `reserving`; `false` where the address has an open invitation already.
pub(crate) async fn insert(tx: &TenantTx, new: &NewInvitation) -> Result<bool, StoreError> {
    let row = invitations::ActiveModel {
        tenant_id: Set(new.tenant.0),
        id: Set(new.id.0),
        email: Set(new.email.as_str().to_owned()),
        open_email: Set(Some(new.email.as_str().to_owned())),
        role: Set(StoredRole::from(new.role)),
        status: Set(StoredStatus::Reserving),
        token_hash: Set(None),
        invited_by: Set(new.invited_by.0),
        accepted_by: Set(None),
        attempts: Set(1),
        expires_at: Set(new.expires_at.into()),
        created_at: Set(new.now.into()),
        updated_at: Set(new.now.into()),
    };
    let conflict = [invitations::Column::TenantId, invitations::Column::OpenEmail];
    Ok(tx.insert_new(vec![row], &conflict).await? == 1)
}

/// The open invitation of an address.
pub(crate) async fn open_for(
    tx: &TenantTx,
    email: &EmailAddress,
) -> Result<Option<invitations::Model>, StoreError> {
    tx.find::<invitations::Entity>()
        .filter(invitations::Column::OpenEmail.eq(email.as_str()))
        .lock()
        .one()
        .await
}

/// The invitation `id`.
pub(crate) async fn find(
    tx: &TenantTx,
    id: InvitationId,
) -> Result<Option<invitations::Model>, StoreError> {
    tx.find::<invitations::Entity>().filter(invitations::Column::Id.eq(id.0)).lock().one().await
}

/// Notes that another request tries to reserve the seat of a `reserving` invitation.
pub(crate) async fn try_again(tx: &TenantTx, id: InvitationId) -> Result<(), StoreError> {
    let attempts = Expr::col(invitations::Column::Attempts).add(1);
    tx.update_many::<invitations::Entity>()
        .set(invitations::Column::Attempts, attempts)
        .filter(invitations::Column::Id.eq(id.0))
        .exec()
        .await?;
    Ok(())
}

/// The row as it is once the invitation has moved on to `status`: where it is over, its token stops
/// working and its address is free. The hash of a token that was used stays: a repetition is known
/// by it.
pub(crate) fn moved(
    row: invitations::Model,
    status: Status,
    now: Timestamp,
) -> invitations::ActiveModel {
    let mut moved = invitations::ActiveModel::from(row);
    moved.status = Set(status.into());
    moved.updated_at = Set(now.into());
    if !status.is_open() {
        moved.open_email = Set(None);
    }
    if !status.is_open() && status != Status::Accepted {
        moved.token_hash = Set(None);
    }
    moved
}

/// Which `reserving` invitations are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// Any.
    Whatever,
    /// One whose seat a single request has tried to reserve.
    AfterOneAttempt,
}

/// Takes a `reserving` invitation back, as if it had never been; `false` where it is not
/// reserving (any more).
pub(crate) async fn withdraw(
    tx: &TenantTx,
    id: InvitationId,
    withdrawal: Withdrawal,
) -> Result<bool, StoreError> {
    let mut deletion = tx
        .delete_many::<invitations::Entity>()
        .filter(invitations::Column::Id.eq(id.0))
        .filter(invitations::Column::Status.eq(StoredStatus::Reserving));
    if withdrawal == Withdrawal::AfterOneAttempt {
        deletion = deletion.filter(invitations::Column::Attempts.eq(1));
    }
    Ok(deletion.exec().await? == 1)
}
