//! The audit log of a tenant: rows are added and never changed. No address, no token, no secret.

use kernel::{TenantId, UserId};
use sea_orm::{ActiveValue::Set, prelude::Uuid};
use storage::{Store, StoreError, SystemTx, TenantTx};

/// The table.
pub(crate) mod audit_log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_log")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub actor: Option<Uuid>,
        pub action: String,
        pub subject: Option<Uuid>,
        pub created_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Registered,
    RegistrationRepeated,
    EmailVerified,
    SignedIn,
    SignedOut,
    SessionRevoked,
    Invited,
    InvitationRevoked,
    InvitationExpired,
    InvitationAccepted,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::RegistrationRepeated => "registration_repeated",
            Self::EmailVerified => "email_verified",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::SessionRevoked => "session_revoked",
            Self::Invited => "invited",
            Self::InvitationRevoked => "invitation_revoked",
            Self::InvitationExpired => "invitation_expired",
            Self::InvitationAccepted => "invitation_accepted",
        }
    }
}

/// A line of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Who did it; `None` for what time did.
    pub(crate) actor: Option<UserId>,
    pub(crate) action: Action,
    /// The session or invitation it was done to; `None` for what somebody did to their account.
    pub(crate) subject: Option<Uuid>,
}

/// Writes a line of the transaction's tenant.
pub(crate) async fn write(tx: &TenantTx, line: Line) -> Result<(), StoreError> {
    tx.insert(row(tx.store(), tx.tenant(), line)).await?;
    Ok(())
}

/// Writes a line of `tenant`, where the transaction is of no tenant.
pub(crate) async fn write_for(
    tx: &SystemTx,
    tenant: TenantId,
    line: Line,
) -> Result<(), StoreError> {
    tx.insert(row(tx.store(), tenant, line)).await?;
    Ok(())
}

fn row(store: &Store, tenant: TenantId, line: Line) -> audit_log::ActiveModel {
    audit_log::ActiveModel {
        tenant_id: Set(tenant.0),
        id: Set(store.ids().next()),
        actor: Set(line.actor.map(Uuid::from)),
        action: Set(line.action.as_str().to_owned()),
        subject: Set(line.subject),
        created_at: Set(store.clock().now().into()),
    }
}
