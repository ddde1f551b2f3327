use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::{Clock, Principal, Timestamp};

use super::Claims;
use crate::{
    SigningKey, TokenError,
    jwt::{self, Kind, Validity},
};

/// Signs for one program. A token is used again for half of its life, so that a call seldom
/// costs a signature.
pub struct HopSigner {
    key: Arc<SigningKey>,
    program: String,
    clock: Arc<dyn Clock>,
    /// By audience, then by principal.
    tokens: Mutex<HashMap<String, HashMap<Principal, Signed>>>,
}

struct Signed {
    token: Arc<str>,
    issued_at: Timestamp,
    renew_at: Timestamp,
}

impl Signed {
    /// One from the future, which a clock that was ahead has left, is not good yet.
    fn is_good(&self, now: Timestamp) -> bool {
        self.issued_at <= now && now < self.renew_at
    }
}

impl HopSigner {
    /// How long a token is valid.
    pub const LIFETIME: Duration = Duration::from_secs(60);
    /// Tokens kept for one audience; beyond it, those that are due for renewal are dropped.
    const KEPT: usize = 10_000;

    /// Signs as `program` with its `key`.
    pub fn new(key: Arc<SigningKey>, program: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { key, program: program.into(), clock, tokens: Mutex::default() }
    }

    /// The program that signs.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// A token with which this program calls `audience` on behalf of `principal`.
    ///
    /// # Errors
    /// [`TokenError::Signing`].
    pub fn token_for(&self, principal: &Principal, audience: &str) -> Result<Arc<str>, TokenError> {
        let now = self.clock.now();
        if let Some(token) = self.kept(principal, audience, now) {
            return Ok(token);
        }
        let validity = Validity::starting(now, Self::LIFETIME);
        let claims = Claims::new(&self.program, principal, audience, validity);
        let token: Arc<str> = jwt::sign(&self.key, Kind::Hop, &claims)?.into();
        let renew_at = now + Self::LIFETIME / 2;
        let signed = Signed { token: Arc::clone(&token), issued_at: now, renew_at };
        self.keep(principal, audience, now, signed);
        Ok(token)
    }

    fn kept(&self, principal: &Principal, audience: &str, now: Timestamp) -> Option<Arc<str>> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = tokens.get(audience)?.get(principal)?;
        signed.is_good(now).then(|| Arc::clone(&signed.token))
    }

    fn keep(&self, principal: &Principal, audience: &str, now: Timestamp, signed: Signed) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = tokens.entry(audience.to_owned()).or_default();
        if tokens.len() >= Self::KEPT {
            tokens.retain(|_, signed| signed.is_good(now));
        }
        if tokens.len() < Self::KEPT {
            tokens.insert(principal.clone(), signed);
        }
    }
}

impl fmt::Debug for HopSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopSigner")
            .field("program", &self.program)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
