//! The contract of the auth module: who people are, which tenants they belong to, and the keys
//! that prove it.

mod events;
#[cfg(feature = "testing")]
pub mod testing;

use kernel::{CallContext, Role, TenantId, UserId};
use seam::{CallFailure, ModuleDescriptor, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use events::{InvitationCreated, MemberJoined, TenantCreated, VerificationRequested};

/// The module, as programs and callers know it without linking it.
pub const MODULE: ModuleDescriptor = ModuleDescriptor {
    name: "auth",
    public_prefixes: &["/v1/auth", "/.well-known/jwks.json"],
    consumes: &[],
};

/// What other modules ask of auth.
#[port(service = "auth", version = 1, mock)]
pub trait AuthApi {
    /// The public keys that verify access tokens, as a JSON Web Key Set (RFC 7517). Open to any
    /// caller; changes only when a key is rotated, so callers cache it.
    #[call(read)]
    async fn signing_keys(&self, ctx: &CallContext) -> Result<KeySet, AuthError>;

    /// The members of the calling tenant who hold at least `role`, oldest first, at most 100.
    /// For services only: addresses are personal data.
    #[call(read)]
    async fn contacts(
        &self,
        ctx: &CallContext,
        query: ContactQuery,
    ) -> Result<Vec<Contact>, AuthError>;
}

/// Public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeySet {
    /// JSON Web Keys; Ed25519 keys as RFC 8037 writes them.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<serde_json::Value>,
}

/// Whom to write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactQuery {
    /// The least role of those wanted.
    pub at_least: Role,
}

/// A member's name and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// The member.
    pub user: UserId,
    /// The tenant they were asked for in.
    pub tenant: TenantId,
    /// What they may do there.
    pub role: Role,
    /// Their name as they wrote it.
    pub name: String,
    /// Their verified address.
    pub email: String,
}

/// What auth refuses.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error, PortError,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AuthError {
    /// The caller may not do this.
    #[error("the caller may not do this")]
    Forbidden,
    /// No answer from the domain.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}
