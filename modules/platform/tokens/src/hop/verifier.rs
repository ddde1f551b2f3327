use std::{fmt, sync::Arc, time::Duration};

use kernel::{CallingProgram, Clock, Principal};

use super::Claims;
use crate::{
    TokenError, TrustStore,
    jwt::{self, Kind},
    verified::Verified,
};

/// Verifies the tokens of the programs that call.
pub struct HopVerifier {
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
    verified: Verified<Arc<Said>>,
}

/// What a token says.
struct Said {
    audience: String,
    caller: Caller,
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

    /// Takes tokens of the programs in `trust`.
    pub fn new(trust: impl Into<Arc<TrustStore>>, clock: Arc<dyn Clock>) -> Self {
        Self { trust: trust.into(), clock, verified: Verified::default() }
    }

    /// Who makes the call to `audience`, and on whose behalf; `audience` is the very module that is addressed:
    /// a token for one module that is served here must not open another.
    ///
    /// # Errors
    /// Why the token is not taken.
    pub fn verify(&self, token: &str, audience: &str) -> Result<Caller, TokenError> {
        let now = self.clock.now();
        let said = self.verified.or_verify(token, now, || {
            let kid = jwt::key_id(token, Kind::Hop)?;
            let trusted = self.trust.find(&kid, now).ok_or(TokenError::UnknownKey)?;
            let claims: Claims = jwt::verified_claims(token, &trusted.key)?;
            if claims.iss != trusted.program.name || claims.act.sub != trusted.program.name {
                return Err(TokenError::WrongIssuer);
            }
            let validity = claims.validity();
            let lifetime = validity.expires.saturating_sub(validity.issued);
            if lifetime > Self::LONGEST.as_secs().cast_signed() {
                return Err(TokenError::Claims("it is valid for too long"));
            }
            let audience = claims.aud.clone();
            let caller = Caller { principal: claims.principal()?, program: trusted.program };
            Ok((Arc::new(Said { audience, caller }), validity))
        })?;
        if said.audience != audience {
            return Err(TokenError::WrongAudience);
        }
        Ok(said.caller.clone())
    }
}

impl fmt::Debug for HopVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopVerifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}
