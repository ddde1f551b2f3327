//! The tables of people, tenants and memberships.

use kernel::{Role, TenantId, UserId};
use sea_orm::entity::prelude::*;
use storage::{StoreError, SystemTx};

use super::EmailAddress;

/// People. Global: one person may belong to several tenants.
pub(crate) mod users {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(unique)]
        pub email: String,
        pub name: String,
        pub password_hash: String,
        pub email_verified_at: Option<TimeDateTimeWithTimeZone>,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::global_entity!(Entity);
}

/// Organisations. A tenant's own row is all that it sees of this table.
pub(crate) mod tenants {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenants")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::Id);
}

/// Who belongs to which tenant, and as what.
pub(crate) mod memberships {
    use sea_orm::entity::prelude::*;

    use super::StoredRole;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub role: StoredRole,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// A [`Role`] as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub(crate) enum StoredRole {
    #[sea_orm(string_value = "member")]
    Member,
    #[sea_orm(string_value = "admin")]
    Admin,
    #[sea_orm(string_value = "owner")]
    Owner,
}

impl StoredRole {
    /// The roles that may do all that `role` may.
    pub(crate) fn at_least(role: Role) -> Vec<Self> {
        [Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .filter(|stored| Role::from(*stored) >= role)
            .collect()
    }
}

impl From<Role> for StoredRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Admin => Self::Admin,
            Role::Owner => Self::Owner,
        }
    }
}

impl From<StoredRole> for Role {
    fn from(role: StoredRole) -> Self {
        match role {
            StoredRole::Member => Self::Member,
            StoredRole::Admin => Self::Admin,
            StoredRole::Owner => Self::Owner,
        }
    }
}

/// Who has `address`, and keeps it until the transaction ends.
pub(crate) async fn user_by_email(
    tx: &SystemTx,
    address: &EmailAddress,
) -> Result<Option<users::Model>, StoreError> {
    tx.find::<users::Entity>().filter(users::Column::Email.eq(address.as_str())).lock().one().await
}

/// Keeps `user` until the transaction ends.
pub(crate) async fn hold_user(tx: &SystemTx, user: UserId) -> Result<(), StoreError> {
    tx.find::<users::Entity>().filter(users::Column::Id.eq(user.0)).lock().one().await.map(drop)
}

/// The tenant that `user` has belonged to for longest.
pub(crate) async fn first_membership(
    tx: &SystemTx,
    user: UserId,
) -> Result<Option<memberships::Model>, StoreError> {
    tx.find::<memberships::Entity>()
        .filter(memberships::Column::UserId.eq(user.0))
        .order_by_asc(memberships::Column::CreatedAt)
        .order_by_asc(memberships::Column::TenantId)
        .limit(1)
        .one()
        .await
}

/// The membership of `user` in `tenant`.
pub(crate) async fn membership_of(
    tx: &SystemTx,
    user: UserId,
    tenant: TenantId,
) -> Result<Option<memberships::Model>, StoreError> {
    tx.find::<memberships::Entity>()
        .filter(memberships::Column::TenantId.eq(tenant.0))
        .filter(memberships::Column::UserId.eq(user.0))
        .one()
        .await
}
