//! Whose rows they are.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::Deserialize;
use uuid::Uuid;

/// Who issues the tokens, and whom they are for.
const ISSUER: &str = "ashlar-auth";
/// How far two programs' clocks may be apart, in seconds.
const LEEWAY: u64 = 30;

/// Reads tokens.
pub(crate) enum Reader {
    /// By their signature.
    Verifying { keys: Vec<(Option<String>, DecodingKey)>, validation: Box<Validation> },
    /// Whatever they say.
    Believing,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The token does not hold.
    Token,
    /// The bearer may not see billing.
    Role,
}

#[derive(Deserialize)]
struct Claims {
    tenant: Uuid,
    role: String,
}

impl Reader {
    /// With the keys of `set`, a JSON Web Key Set.
    pub(crate) fn verifying(set: &[u8]) -> Result<Self> {
        let set: JwkSet = serde_json::from_slice(set).context("the keys are no key set")?;
        let keys = set.keys.iter().map(|jwk| {
            Ok((jwk.common.key_id.clone(), DecodingKey::from_jwk(jwk).context("a key")?))
        });
        let keys = keys.collect::<Result<_>>()?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.leeway = LEEWAY;
        Ok(Self::Verifying { keys, validation: Box::new(validation) })
    }

    /// The tenant that the bearer of `token` acts in.
    pub(crate) fn tenant(&self, token: &str) -> Result<Uuid, Refused> {
        match self {
            Self::Verifying { keys, validation } => {
                let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Token)?;
                let is_access = header.typ.as_deref() == Some("at+jwt");
                let key = keys.iter().find(|(id, _)| *id == header.kid);
                let Some((_, key)) = key.filter(|_| is_access) else { return Err(Refused::Token) };
                let decoded = jsonwebtoken::decode::<Claims>(token, key, validation);
                let claims = decoded.map_err(|_| Refused::Token)?.claims;
                match claims.role.as_str() {
                    "admin" | "owner" => Ok(claims.tenant),
                    _ => Err(Refused::Role),
                }
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
    fn the_other_believes_nothing_that_is_not_signed() {
        let reader = Reader::verifying(br#"{"keys":[]}"#).expect("an empty set");
        assert_eq!(reader.tenant(&token()), Err(Refused::Token));
        assert!(Reader::verifying(b"{}").is_err());
    }
}
