//! Who asks, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{TenantId, UserId};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// Nobody has been authenticated: registration, login, the price list.
    Anonymous,
    /// A person, acting in one of their tenants.
    User {
        /// The person.
        user: UserId,
        /// The tenant they act in.
        tenant: TenantId,
        /// What they may do there.
        role: Role,
    },
    /// One of our own modules, working on its own account.
    Service {
        /// The module's name.
        name: String,
        /// The tenant it works for, if for one.
        tenant: Option<TenantId>,
    },
}

impl Principal {
    /// A module at work for one tenant.
    #[must_use]
    pub fn service_for(name: impl Into<String>, tenant: TenantId) -> Self {
        Self::Service { name: name.into(), tenant: Some(tenant) }
    }

    /// A module at work for no tenant or for all.
    #[must_use]
    pub fn service(name: impl Into<String>) -> Self {
        Self::Service { name: name.into(), tenant: None }
    }

    /// The tenant that the work is for.
    #[must_use]
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Anonymous => None,
            Self::User { tenant, .. } => Some(*tenant),
            Self::Service { tenant, .. } => *tenant,
        }
    }
}

/// What a member may do in a tenant. Ordered: a later role may do all that an earlier one may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Uses the product.
    Member,
    /// Also invites and manages members, and sees and changes billing.
    Admin,
    /// Also owns the tenant. There is always one.
    Owner,
}

impl Role {
    /// The role as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            "owner" => Ok(Self::Owner),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// The text names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: member, admin or owner")]
pub struct UnknownRole(String);
