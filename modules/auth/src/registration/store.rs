//! The rows that a registration makes.

use kernel::{TenantId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{StoreError, SystemTx};

use crate::people::{EmailAddress, StoredRole, memberships, tenants, users};

/// Registrations that wait for their link to be followed.
pub(crate) mod verification_tokens {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "verification_tokens")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub user_id: Uuid,
        pub tenant_id: Uuid,
        pub name: String,
        pub organization: String,
        pub password_hash: String,
        pub expires_at: TimeDateTimeWithTimeZone,
        pub created_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::global_entity!(Entity);
}

/// A registration that is ready to be stored.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) email: EmailAddress,
    pub(crate) name: String,
    pub(crate) organization: String,
    pub(crate) password_hash: String,
    pub(crate) token_hash: String,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Inserts the user, the tenant and the owner's membership.
pub(crate) async fn insert_account(
    tx: &SystemTx,
    attempt: &Attempt,
    user: UserId,
    tenant: TenantId,
) -> Result<(), StoreError> {
    let now = attempt.now.to_offset_date_time();
    tx.insert(users::ActiveModel {
        id: Set(user.0),
        email: Set(attempt.email.as_str().to_owned()),
        name: Set(attempt.name.clone()),
        password_hash: Set(attempt.password_hash.clone()),
        email_verified_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await?;
    tx.insert(tenants::ActiveModel {
        id: Set(tenant.0),
        name: Set(attempt.organization.clone()),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await?;
    tx.insert(memberships::ActiveModel {
        tenant_id: Set(tenant.0),
        user_id: Set(user.0),
        role: Set(StoredRole::Owner),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await?;
    Ok(())
}

/// Makes the latest attempt's password the one that is told that the address is not verified. No
/// one gets in with it: the password that counts comes from the attempt whose link is followed.
pub(crate) async fn adopt_password(
    tx: &SystemTx,
    attempt: &Attempt,
    user: UserId,
) -> Result<(), StoreError> {
    tx.update_many::<users::Entity>()
        .set(users::Column::PasswordHash, attempt.password_hash.clone())
        .set(users::Column::UpdatedAt, attempt.now.to_offset_date_time())
        .filter(users::Column::Id.eq(user.0))
        .filter(users::Column::EmailVerifiedAt.is_null())
        .exec()
        .await?;
    Ok(())
}

/// Keeps the attempt until its link is followed.
pub(crate) async fn insert_token(
    tx: &SystemTx,
    attempt: &Attempt,
    user: UserId,
    tenant: TenantId,
) -> Result<(), StoreError> {
    tx.insert(verification_tokens::ActiveModel {
        token_hash: Set(attempt.token_hash.clone()),
        user_id: Set(user.0),
        tenant_id: Set(tenant.0),
        name: Set(attempt.name.clone()),
        organization: Set(attempt.organization.clone()),
        password_hash: Set(attempt.password_hash.clone()),
        expires_at: Set(attempt.expires_at.into()),
        created_at: Set(attempt.now.into()),
    })
    .await?;
    Ok(())
}

/// The attempt that `token_hash` belongs to. It stays as it is for who holds its user.
pub(crate) async fn attempt_of(
    tx: &SystemTx,
    token_hash: &str,
) -> Result<Option<verification_tokens::Model>, StoreError> {
    tx.find::<verification_tokens::Entity>()
        .filter(verification_tokens::Column::TokenHash.eq(token_hash))
        .one()
        .await
}

/// Lets the attempt take effect and uses up every link of the user; `false` where the user was
/// verified by another one meanwhile.
pub(crate) async fn confirm(
    tx: &SystemTx,
    attempt: verification_tokens::Model,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let now = now.to_offset_date_time();
    let verified = tx
        .update_many::<users::Entity>()
        .set(users::Column::EmailVerifiedAt, now)
        .set(users::Column::Name, attempt.name)
        .set(users::Column::PasswordHash, attempt.password_hash)
        .set(users::Column::UpdatedAt, now)
        .filter(users::Column::Id.eq(attempt.user_id))
        .filter(users::Column::EmailVerifiedAt.is_null())
        .exec()
        .await?;
    tx.update_many::<tenants::Entity>()
        .set(tenants::Column::Name, attempt.organization)
        .set(tenants::Column::UpdatedAt, now)
        .filter(tenants::Column::Id.eq(attempt.tenant_id))
        .exec()
        .await?;
    forget_attempts(tx, UserId(attempt.user_id)).await?;
    Ok(verified == 1)
}

/// Uses up every link that was mailed to `user`.
pub(crate) async fn forget_attempts(tx: &SystemTx, user: UserId) -> Result<(), StoreError> {
    tx.delete_many::<verification_tokens::Entity>()
        .filter(verification_tokens::Column::UserId.eq(user.0))
        .exec()
        .await?;
    Ok(())
}
