//! What an end user's client shows to the public API.

use std::{fmt, sync::Arc, time::Duration};

use kernel::{Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    PublicKey, SigningKey, TokenError,
    jwt::{self, Kind, Validity},
    verified::Verified,
};

/// The only client so far, the product's own front end. RFC 9068 §2.2 asks for a `client_id`.
const CLIENT: &str = "first-party";

/// Who the bearer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// The person.
    pub user: UserId,
    /// The tenant that they act in.
    pub tenant: TenantId,
    /// What they may do there.
    pub role: Role,
}

/// Issues access tokens (RFC 9068).
pub struct AccessTokens {
    key: Arc<SigningKey>,
    issuer: String,
    lifetime: Duration,
}

impl AccessTokens {
    /// Tokens of `issuer`, a name that every verifier knows, signed with `key` and valid for
    /// `lifetime`.
    pub fn new(key: Arc<SigningKey>, issuer: impl Into<String>, lifetime: Duration) -> Self {
        Self { key, issuer: issuer.into(), lifetime }
    }

    /// How long a token is valid: the `expires_in` of a login.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for `claims`, valid from `now`.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    pub fn issue(&self, claims: &AccessClaims, now: Timestamp) -> Result<String, TokenError> {
        let validity = Validity::starting(now, self.lifetime);
        let claims = Claims {
            iss: self.issuer.clone(),
            // The public API is one resource, and the issuer the only one to let people into it.
            aud: self.issuer.clone(),
            sub: claims.user,
            client_id: CLIENT.to_owned(),
            tenant: claims.tenant,
            role: claims.role,
            iat: validity.issued,
            nbf: None,
            exp: validity.expires,
            jti: Uuid::new_v4(),
        };
        jwt::sign(&self.key, Kind::Access, &claims)
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("key", &self.key)
            .field("issuer", &self.issuer)
            .field("lifetime", &self.lifetime)
            .finish()
    }
}

/// What the access tokens of one issuer are verified with.
#[derive(Clone, Debug)]
pub struct AccessKeys {
    keys: Vec<PublicKey>,
    issuer: String,
    /// Forgotten with the keys: what was signed by one that is no longer among them is refused.
    verified: Verified<AccessClaims>,
}

impl AccessKeys {
    /// The `keys` of a JSON Web Key Set that `issuer` signs with. One of another kind is passed
    /// over, as RFC 7517 §5 asks.
    #[must_use]
    pub fn from_jwks(keys: &[Value], issuer: impl Into<String>) -> Self {
        let keys = keys.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect();
        Self { keys, issuer: issuer.into(), verified: Verified::default() }
    }

    /// Whether both verify the same tokens.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let names = |keys: &Self| keys.keys.iter().map(PublicKey::to_jwk).collect::<Vec<_>>();
        self.issuer == other.issuer && names(self) == names(other)
    }

    /// Says whom `token` was issued to.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`] where the key is not in the set, which may then be worth fetching
    /// again; [`TokenError::Expired`]; anything else means that the token is forged or not for us.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        self.verified.or_verify(token, now, || {
            let kid = jwt::key_id(token, Kind::Access)?;
            let key = self.keys.iter().find(|key| key.kid() == kid);
            let claims: Claims = jwt::verified_claims(token, key.ok_or(TokenError::UnknownKey)?)?;
            if claims.iss != self.issuer {
                return Err(TokenError::WrongIssuer);
            }
            if claims.aud != self.issuer {
                return Err(TokenError::WrongAudience);
            }
            let Claims {
                sub: user, tenant, role, iat: issued, nbf: not_before, exp: expires, ..
            } = claims;
            Ok((AccessClaims { user, tenant, role }, Validity { issued, not_before, expires }))
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    client_id: String,
    tenant: TenantId,
    role: Role,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    jti: Uuid,
}
