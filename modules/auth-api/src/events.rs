//! The facts that auth publishes. Tokens in them are sealed: only the module that writes the mail
//! can open them.

use kernel::{Aggregate, Event, InvitationId, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody registered, or asked for the mail again: an address is to be verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationRequested {
    /// Whose address.
    pub user: UserId,
    /// The address to write to.
    pub email: String,
    /// How to greet them.
    pub name: String,
    /// The token for the link, sealed for notifications; the sealing's purpose is [`Event::TYPE`].
    pub sealed_token: String,
    /// When the token stops working.
    pub expires_at: Timestamp,
}

impl Event for VerificationRequested {
    const TYPE: &'static str = "auth.verification_requested";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("user", self.user, self.expires_at.unix_seconds())
    }
}

/// An organisation signed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantCreated {
    /// The new tenant.
    pub tenant: TenantId,
    /// The organisation's name.
    pub name: String,
    /// Who owns it, and takes its first seat.
    pub owner: UserId,
}

impl Event for TenantCreated {
    const TYPE: &'static str = "auth.tenant_created";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("tenant", self.tenant, 1)
    }
}

/// Somebody was invited, and a seat is reserved for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationCreated {
    /// The invitation.
    pub invitation: InvitationId,
    /// The inviting tenant's name.
    pub tenant_name: String,
    /// The address to write to.
    pub email: String,
    /// What the invited will be.
    pub role: Role,
    /// The token for the link, sealed for notifications; the sealing's purpose is [`Event::TYPE`].
    pub sealed_token: String,
    /// When the token stops working.
    pub expires_at: Timestamp,
}

impl Event for InvitationCreated {
    const TYPE: &'static str = "auth.invitation_created";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invitation", self.invitation, 1)
    }
}

/// An invitation was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberJoined {
    /// The invitation that was accepted.
    pub invitation: InvitationId,
    /// The new member.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Event for MemberJoined {
    const TYPE: &'static str = "auth.member_joined";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invitation", self.invitation, 2)
    }
}
