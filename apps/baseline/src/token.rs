//! Whose rows they are.

use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Who issues the tokens, and whom they are for.
const ISSUER: &str = "ashlar-auth";
/// How far two programs' clocks may be apart, in seconds.
const LEEWAY: u64 = 30;

/// Tokens that are remembered at the most, and for how long: as many, and as long, as the product does.
const REMEMBERED: u64 = 20_000;
const LONGEST: Duration = Duration::from_secs(300);

/// Reads tokens.
pub(crate) enum Reader {
    /// By their signature.
    Verifying(Box<Keys>),
    /// By their signature when they come first, under their SHA-256 from then on.
    Remembering { keys: Box<Keys>, verified: Cache<[u8; 32], Claims> },
    /// Whatever they say.
    Believing,
}

/// What signatures are verified with.
pub(crate) struct Keys {
    keys: Vec<(Option<String>, DecodingKey)>,
    validation: Validation,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The token does not hold.
    Token,
    /// The bearer may not see billing.
    Role,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Claims {
    tenant: Uuid,
    role: String,
    /// Seconds since 1970.
    #[serde(default)]
    exp: u64,
}

impl Reader {
    /// With the keys of `set`, a JSON Web Key Set.
    pub(crate) fn verifying(set: &[u8]) -> Result<Self> {
        Ok(Self::Verifying(Box::new(Keys::of(set)?)))
    }

    /// The same, with a memory.
    pub(crate) fn remembering(set: &[u8]) -> Result<Self> {
        let verified = Cache::builder().max_capacity(REMEMBERED).time_to_live(LONGEST).build();
        Ok(Self::Remembering { keys: Box::new(Keys::of(set)?), verified })
    }

    /// The tenant that the bearer of `token` acts in.
    pub(crate) fn tenant(&self, token: &str) -> Result<Uuid, Refused> {
        match self {
            Self::Verifying(keys) => keys.verify(token)?.reader(),
            Self::Remembering { keys, verified } => {
                let digest = Sha256::digest(token).into();
                if let Some(claims) = verified.get(&digest) {
                    let holds = claims.exp + LEEWAY >= jsonwebtoken::get_current_timestamp();
                    return if holds { claims.reader() } else { Err(Refused::Token) };
                }
                let claims = keys.verify(token)?;
                verified.insert(digest, claims.clone());
                claims.reader()
            }
            Self::Believing => {
                let payload = token.split('.').nth(1).ok_or(Refused::Token)?;
                let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refused::Token)?;
                let claims: Claims =
                    serde_json::from_slice(&payload).map_err(|_| Refused::Token)?;
                Ok(claims.tenant)
            }
        }
    }
}

impl Keys {
    fn of(set: &[u8]) -> Result<Self> {
        let set: JwkSet = serde_json::from_slice(set).context("the keys are no key set")?;
        let keys = set.keys.iter().map(|jwk| {
            Ok((jwk.common.key_id.clone(), DecodingKey::from_jwk(jwk).context("a key")?))
        });
        let keys = keys.collect::<Result<_>>()?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.leeway = LEEWAY;
        Ok(Self { keys, validation })
    }

    fn verify(&self, token: &str) -> Result<Claims, Refused> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Token)?;
        let is_access = header.typ.as_deref() == Some("at+jwt");
        let key = self.keys.iter().find(|(id, _)| *id == header.kid);
        let Some((_, key)) = key.filter(|_| is_access) else { return Err(Refused::Token) };
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        Ok(decoded.map_err(|_| Refused::Token)?.claims)
    }
}

impl Claims {
    /// The tenant, for who may see its billing.
    fn reader(&self) -> Result<Uuid, Refused> {
        match self.role.as_str() {
            "admin" | "owner" => Ok(self.tenant),
            _ => Err(Refused::Role),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn token() -> String {
        let claims = serde_json::json!({ "tenant": TENANT, "role": "owner" }).to_string();
        format!("e30.{}.nobody-signed", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_bare_handler_believes_anything() {
        assert_eq!(Reader::Believing.tenant(&token()), Ok(TENANT));
        assert_eq!(Reader::Believing.tenant("no token"), Err(Refused::Token));
    }

    #[test]
    fn the_others_believe_nothing_that_is_not_signed() {
        for of in [Reader::verifying, Reader::remembering] {
            let reader = of(br#"{"keys":[]}"#).expect("an empty set");
            assert_eq!(reader.tenant(&token()), Err(Refused::Token));
            assert!(of(b"{}").is_err());
        }
    }

    #[test]
    fn what_is_remembered_expires() {
        let keys = Reader::remembering(br#"{"keys":[]}"#).expect("an empty set");
        let Reader::Remembering { verified, .. } = &keys else { panic!("it remembers") };
        let now = jsonwebtoken::get_current_timestamp();
        let remember = |exp| {
            let claims = Claims { tenant: TENANT, role: "owner".to_owned(), exp };
            verified.insert(Sha256::digest(token()).into(), claims);
            keys.tenant(&token())
        };
        assert_eq!(remember(now), Ok(TENANT));
        assert_eq!(remember(now - LEEWAY - 5), Err(Refused::Token));
    }
}
