//! What one of our programs shows to another: who calls, and on whose behalf.
//!
//! The claims are those of a delegation (RFC 8693 §4.1): `sub` is who the call is for, `act.sub`
//! the program that makes it, which is also the issuer, since each program signs with its own key.

mod signer;
mod verifier;

use kernel::{Principal, Role, TenantId};
use serde::{Deserialize, Serialize};

pub use signer::HopSigner;
pub use verifier::{Caller, HopVerifier};

use crate::{TokenError, jwt::Validity};

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    act: Actor,
    sub: String,
    sub_kind: SubjectKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
struct Actor {
    sub: String,
}

/// What `sub` names.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubjectKind {
    Anonymous,
    User,
    Service,
}

impl Claims {
    fn new(program: &str, principal: &Principal, audience: &str, validity: Validity) -> Self {
        let (sub_kind, sub, role) = match principal {
            Principal::Anonymous => (SubjectKind::Anonymous, "anonymous".to_owned(), None),
            Principal::User { user, role, .. } => {
                (SubjectKind::User, user.to_string(), Some(*role))
            }
            Principal::Service { name, .. } => (SubjectKind::Service, name.clone(), None),
        };
        Self {
            iss: program.to_owned(),
            aud: audience.to_owned(),
            act: Actor { sub: program.to_owned() },
            sub,
            sub_kind,
            tenant: principal.tenant(),
            role,
            iat: validity.issued,
            nbf: validity.not_before,
            exp: validity.expires,
        }
    }

    fn validity(&self) -> Validity {
        Validity { issued: self.iat, not_before: self.nbf, expires: self.exp }
    }

    fn principal(self) -> Result<Principal, TokenError> {
        match (self.sub_kind, self.tenant, self.role) {
            (SubjectKind::Anonymous, None, None) => Ok(Principal::Anonymous),
            (SubjectKind::User, Some(tenant), Some(role)) => {
                let user = self.sub.parse().map_err(|_| TokenError::Claims("`sub` is no user"))?;
                Ok(Principal::User { user, tenant, role })
            }
            (SubjectKind::Service, tenant, None) => {
                Ok(Principal::Service { name: self.sub, tenant })
            }
            _ => Err(TokenError::Claims("`sub_kind`, `tenant` and `role` contradict each other")),
        }
    }
}
