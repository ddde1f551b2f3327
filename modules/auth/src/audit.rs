//! The audit log of a tenant: rows are added and never changed. No address, no token, no secret.

use kernel::{TenantId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, prelude::Uuid};

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
pub(crate) struct Entry {
    /// The row's own id.
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    /// Who did it; `None` for what time did.
    pub(crate) actor: Option<UserId>,
    pub(crate) action: Action,
    /// The session or invitation it was done to.
    pub(crate) subject: Option<Uuid>,
    pub(crate) at: Timestamp,
}

impl From<Entry> for audit_log::ActiveModel {
    fn from(entry: Entry) -> Self {
        Self {
            tenant_id: Set(entry.tenant.0),
            id: Set(entry.id),
            actor: Set(entry.actor.map(Uuid::from)),
            action: Set(entry.action.as_str().to_owned()),
            subject: Set(entry.subject),
            created_at: Set(entry.at.into()),
        }
    }
}
