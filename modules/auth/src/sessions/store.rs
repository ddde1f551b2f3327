//! The tables of sessions, refresh tokens and attempts to log in.

use kernel::{TenantId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use storage::{StoreError, SystemTx};

/// Families of refresh tokens.
pub(crate) mod sessions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub expires_at: TimeDateTimeWithTimeZone,
        pub revoked_at: Option<TimeDateTimeWithTimeZone>,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// Refresh tokens by their hashes. The successor of one that was exchanged lies sealed beside it
/// for as long as it may be asked for once more.
pub(crate) mod refresh_tokens {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_tokens")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub session_id: Uuid,
        pub expires_at: TimeDateTimeWithTimeZone,
        pub rotated_at: Option<TimeDateTimeWithTimeZone>,
        pub sealed_successor: Option<String>,
        pub created_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// Attempts to log in, without what was typed.
pub(crate) mod sign_ins {
    use sea_orm::entity::prelude::*;

    use super::Outcome;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_ins")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Option<Uuid>,
        pub tenant_id: Option<Uuid>,
        pub outcome: Outcome,
        pub created_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::global_entity!(Entity);
}

/// How an attempt to log in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(30))")]
pub(crate) enum Outcome {
    #[sea_orm(string_value = "succeeded")]
    Succeeded,
    #[sea_orm(string_value = "invalid_credentials")]
    InvalidCredentials,
    #[sea_orm(string_value = "email_not_verified")]
    EmailNotVerified,
    #[sea_orm(string_value = "unknown_tenant")]
    UnknownTenant,
}

/// An attempt to log in that is ready to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignIn {
    pub(crate) id: Uuid,
    pub(crate) user: Option<UserId>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) outcome: Outcome,
    pub(crate) at: Timestamp,
}

pub(crate) async fn insert_sign_in(tx: &SystemTx, sign_in: SignIn) -> Result<(), StoreError> {
    tx.insert(sign_ins::ActiveModel {
        id: Set(sign_in.id),
        user_id: Set(sign_in.user.map(Uuid::from)),
        tenant_id: Set(sign_in.tenant.map(Uuid::from)),
        outcome: Set(sign_in.outcome),
        created_at: Set(sign_in.at.into()),
    })
    .await?;
    Ok(())
}

/// A family that begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) async fn insert_session(tx: &SystemTx, session: NewSession) -> Result<(), StoreError> {
    tx.insert(sessions::ActiveModel {
        tenant_id: Set(session.tenant.0),
        id: Set(session.id),
        user_id: Set(session.user.0),
        expires_at: Set(session.expires_at.into()),
        revoked_at: Set(None),
        created_at: Set(session.now.into()),
        updated_at: Set(session.now.into()),
    })
    .await?;
    Ok(())
}

/// A refresh token that is given out.
#[derive(Clone, Debug)]
pub(crate) struct NewRefreshToken {
    pub(crate) tenant: TenantId,
    pub(crate) session: Uuid,
    pub(crate) token_hash: String,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) async fn insert_refresh_token(
    tx: &SystemTx,
    token: NewRefreshToken,
) -> Result<(), StoreError> {
    tx.insert(refresh_tokens::ActiveModel {
        tenant_id: Set(token.tenant.0),
        token_hash: Set(token.token_hash),
        session_id: Set(token.session),
        expires_at: Set(token.expires_at.into()),
        rotated_at: Set(None),
        sealed_successor: Set(None),
        created_at: Set(token.now.into()),
    })
    .await?;
    Ok(())
}

/// The token with this hash and its session, which is kept until the transaction ends, and with it
/// the session's tokens.
pub(crate) async fn find_token(
    tx: &SystemTx,
    token_hash: &str,
) -> Result<Option<(refresh_tokens::Model, sessions::Model)>, StoreError> {
    let Some(found) = token_of(tx, token_hash).await? else { return Ok(None) };
    let session = tx
        .find::<sessions::Entity>()
        .filter(sessions::Column::TenantId.eq(found.tenant_id))
        .filter(sessions::Column::Id.eq(found.session_id))
        .lock()
        .one()
        .await?;
    let Some(session) = session else { return Ok(None) };
    // It may have been exchanged until the session is held.
    let token = token_of(tx, token_hash).await?;
    Ok(token.map(|token| (token, session)))
}

async fn token_of(
    tx: &SystemTx,
    token_hash: &str,
) -> Result<Option<refresh_tokens::Model>, StoreError> {
    tx.find::<refresh_tokens::Entity>()
        .filter(refresh_tokens::Column::TokenHash.eq(token_hash))
        .one()
        .await
}

/// Whether the token with this hash was exchanged; `None` where there is no such token.
pub(crate) async fn was_rotated(
    tx: &SystemTx,
    token_hash: &str,
) -> Result<Option<bool>, StoreError> {
    let found = token_of(tx, token_hash).await?;
    Ok(found.map(|token| token.rotated_at.is_some()))
}

/// Notes that `token` was exchanged for what is sealed in `sealed_successor`, and forgets the
/// sealed copy of `token` itself: whoever uses it has received it.
pub(crate) async fn mark_rotated(
    tx: &SystemTx,
    token: &refresh_tokens::Model,
    sealed_successor: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.update_many::<refresh_tokens::Entity>()
        .set(refresh_tokens::Column::SealedSuccessor, Option::<String>::None)
        .filter(refresh_tokens::Column::TenantId.eq(token.tenant_id))
        .filter(refresh_tokens::Column::SessionId.eq(token.session_id))
        .filter(refresh_tokens::Column::SealedSuccessor.is_not_null())
        .exec()
        .await?;
    tx.update_many::<refresh_tokens::Entity>()
        .set(refresh_tokens::Column::RotatedAt, now.to_offset_date_time())
        .set(refresh_tokens::Column::SealedSuccessor, Some(sealed_successor))
        .filter(refresh_tokens::Column::TenantId.eq(token.tenant_id))
        .filter(refresh_tokens::Column::TokenHash.eq(token.token_hash.as_str()))
        .exec()
        .await?;
    Ok(())
}

/// Ends a session; `false` where it was over already.
pub(crate) async fn revoke(
    tx: &SystemTx,
    session: &sessions::Model,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let now = now.to_offset_date_time();
    let revoked = tx
        .update_many::<sessions::Entity>()
        .set(sessions::Column::RevokedAt, now)
        .set(sessions::Column::UpdatedAt, now)
        .filter(sessions::Column::TenantId.eq(session.tenant_id))
        .filter(sessions::Column::Id.eq(session.id))
        .filter(sessions::Column::RevokedAt.is_null())
        .exec()
        .await?;
    Ok(revoked == 1)
}
