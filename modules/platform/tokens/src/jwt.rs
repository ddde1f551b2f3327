//! What both kinds of signed token have in common.

use std::{sync::LazyLock, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation};
use kernel::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{PublicKey, SigningKey};

/// How far two programs' clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// What a token is for. It stands in the signed header, so that one kind is never taken for the
/// other (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RFC 9068 §2.1.
    Access,
    Hop,
}

impl Kind {
    const fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Hop => "hop+jwt",
        }
    }
}

/// Why a token is refused, or none could be made. Holds no part of the token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is no signed token of ours.
    #[error("the token is malformed")]
    Malformed(#[source] jsonwebtoken::errors::Error),
    /// Another kind of token, another algorithm, or a header that asks for what we do not do.
    #[error("the token is not of the kind that is expected here")]
    WrongKind,
    /// No key of that name is trusted; perhaps it is new.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else issued it, or its issuer is not the one whose key signed.
    #[error("the token comes from another issuer")]
    WrongIssuer,
    /// It is meant for somebody else.
    #[error("the token is meant for another audience")]
    WrongAudience,
    /// What it says contradicts itself.
    #[error("the token's claims do not fit together: {0}")]
    Claims(&'static str),
    /// It could not be signed.
    #[error("the token could not be signed")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

/// Signs `claims`.
pub(crate) fn sign<C: Serialize>(
    key: &SigningKey,
    kind: Kind,
    claims: &C,
) -> Result<String, TokenError> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(kind.typ().to_owned());
    header.kid = Some(key.kid().to_owned());
    jsonwebtoken::encode(&header, claims, key.encoding()).map_err(TokenError::Signing)
}

/// The name of the key that is said to have signed. Nothing is verified yet but the kind.
pub(crate) fn key_id(token: &str, kind: Kind) -> Result<String, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(TokenError::Malformed)?;
    let typ = header.typ.as_deref().unwrap_or_default();
    // A critical extension must be understood or the token refused (RFC 7515 §4.1.11).
    let expected = header.alg == Algorithm::EdDSA
        && header.crit.is_none()
        && typ.eq_ignore_ascii_case(kind.typ());
    if !expected {
        return Err(TokenError::WrongKind);
    }
    header.kid.ok_or(TokenError::UnknownKey)
}

/// Time comes from an injected clock, which the library does not know, and its checks of `iss` and
/// `aud` also take lists: the callers are stricter.
static SIGNATURE_ALONE: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
});

/// Verifies the signature and reads the claims, whose meaning is the caller's to check.
pub(crate) fn verified_claims<C: DeserializeOwned>(
    token: &str,
    key: &PublicKey,
) -> Result<C, TokenError> {
    jsonwebtoken::decode(token, key.decoding(), &SIGNATURE_ALONE).map(|data| data.claims).map_err(
        |error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::BadSignature,
            _ => TokenError::Malformed(error),
        },
    )
}

/// When a token is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) issued: i64,
    /// RFC 7519 §4.1.5; we set none, and honour one.
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: i64,
}

impl Validity {
    pub(crate) fn starting(now: Timestamp, lifetime: Duration) -> Self {
        let issued = now.unix_seconds();
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self { issued, not_before: None, expires: issued.saturating_add(seconds) }
    }

    pub(crate) fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        let (now, leeway) = (now.unix_seconds(), LEEWAY.as_secs().cast_signed());
        if now >= self.expires.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        let start = self.not_before.unwrap_or(self.issued).max(self.issued);
        if start > now.saturating_add(leeway) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}
