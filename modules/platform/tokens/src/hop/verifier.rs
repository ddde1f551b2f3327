use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use kernel::{CallingProgram, Clock, Principal, Timestamp};

use super::Claims;
use crate::{
    TokenError, TrustStore,
    jwt::{self, Kind, Validity},
};

/// Verifies the tokens of the programs that call. A token that was verified is known until it
/// expires, so that a call seldom costs a verification.
pub struct HopVerifier {
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
    verified: RwLock<HashMap<String, Verified>>,
}

struct Verified {
    audience: String,
    caller: Caller,
    validity: Validity,
}

/// What a token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// On whose behalf the call is made.
    pub principal: Principal,
    /// The program that makes it.
    pub program: Arc<CallingProgram>,
}

impl HopVerifier {
    /// The longest life of a token that is taken, which bounds how long a key that is no longer
    /// trusted can still be used.
    const LONGEST: Duration = Duration::from_secs(300);
    /// Tokens remembered; beyond it, those that have expired are forgotten.
    const REMEMBERED: usize = 10_000;

    /// Takes tokens of the programs in `trust`.
    pub fn new(trust: impl Into<Arc<TrustStore>>, clock: Arc<dyn Clock>) -> Self {
        Self { trust: trust.into(), clock, verified: RwLock::default() }
    }

    /// Who makes the call to `audience`, and on whose behalf; `audience` is the very module that is addressed:
    /// a token for one module that is served here must not open another.
    ///
    /// # Errors
    /// Why the token is not taken.
    pub fn verify(&self, token: &str, audience: &str) -> Result<Caller, TokenError> {
        let now = self.clock.now();
        if let Some(caller) = self.known(token, audience, now)? {
            return Ok(caller);
        }
        let kid = jwt::key_id(token, Kind::Hop)?;
        let trusted = self.trust.find(&kid, now).ok_or(TokenError::UnknownKey)?;
        let claims: Claims = jwt::verified_claims(token, &trusted.key)?;
        if claims.iss != trusted.program.name || claims.act.sub != trusted.program.name {
            return Err(TokenError::WrongIssuer);
        }
        if claims.aud != audience {
            return Err(TokenError::WrongAudience);
        }
        let validity = claims.validity();
        validity.check(now)?;
        let lifetime = validity.expires.saturating_sub(validity.issued);
        if lifetime > Self::LONGEST.as_secs().cast_signed() {
            return Err(TokenError::Claims("it is valid for too long"));
        }
        let caller = Caller { principal: claims.principal()?, program: trusted.program };
        let verified = Verified { audience: audience.to_owned(), caller: caller.clone(), validity };
        self.remember(token, now, verified);
        Ok(caller)
    }

    fn known(
        &self,
        token: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<Option<Caller>, TokenError> {
        let verified = self.verified.read().unwrap_or_else(PoisonError::into_inner);
        let Some(verified) = verified.get(token) else { return Ok(None) };
        if verified.audience != audience {
            return Err(TokenError::WrongAudience);
        }
        verified.validity.check(now)?;
        Ok(Some(verified.caller.clone()))
    }

    fn remember(&self, token: &str, now: Timestamp, token_verified: Verified) {
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= Self::REMEMBERED {
            verified.retain(|_, verified| verified.validity.check(now).is_ok());
        }
        if verified.len() < Self::REMEMBERED {
            verified.insert(token.to_owned(), token_verified);
        }
    }
}

impl fmt::Debug for HopVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopVerifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}
