//! Verifies access tokens with auth's public keys, wherever auth runs.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_api::AuthApi;
use kernel::{CallContext, CallId, Clock, Principal};
use tokens::{AccessClaims, TokenError};
use web::{AccessRefusal, AccessVerifier};

/// How long keys are used before they are asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// The least time between two questions, so that forged tokens cannot make us ask all the time.
const PAUSE: Duration = Duration::from_secs(5);
/// How long auth may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks auth for its keys over the seam and keeps them. With auth down, the keys that it gave last
/// keep verification going.
pub(crate) struct AuthKeys {
    auth: Arc<dyn AuthApi>,
    program: String,
    issuer: String,
    clock: Arc<dyn Clock>,
    cache: RwLock<Cache>,
    /// Lets one request ask while the others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cache {
    keys: Option<Arc<Vec<serde_json::Value>>>,
    asked: Option<Instant>,
}

impl AuthKeys {
    pub(crate) fn new(
        auth: Arc<dyn AuthApi>,
        program: &str,
        issuer: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            auth,
            program: program.to_owned(),
            issuer: issuer.to_owned(),
            clock,
            cache: RwLock::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    fn cached(&self) -> (Option<Arc<Vec<serde_json::Value>>>, Option<Duration>) {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        (cache.keys.clone(), cache.asked.map(|asked| asked.elapsed()))
    }

    /// The keys, asked for again where they are older than `fresh`.
    async fn keys(&self, fresh: Duration) -> Option<Arc<Vec<serde_json::Value>>> {
        if let (Some(keys), Some(age)) = self.cached()
            && age < fresh
        {
            return Some(keys);
        }
        let _asking = self.asking.lock().await;
        let (known, age) = self.cached();
        // Somebody asked while we waited; or auth is down, and was asked just now.
        if age.is_some_and(|age| age < fresh.min(PAUSE)) && known.is_some() {
            return known;
        }
        let context =
            CallContext::new(Principal::service(&self.program), CallId::random(), PATIENCE);
        let answer = self.auth.signing_keys(&context).await;
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(set) => {
                cache.keys = Some(Arc::new(set.keys));
                cache.asked = Some(Instant::now());
            }
            Err(error) => {
                tracing::warn!(error = %error, "auth's keys could not be fetched");
                // Keys that we have are asked for again after a pause, and used until then.
                if cache.keys.is_some() {
                    cache.asked = Instant::now().checked_sub(FRESH.saturating_sub(PAUSE));
                }
            }
        }
        cache.keys.clone()
    }

    fn verify_with(
        &self,
        token: &str,
        keys: &[serde_json::Value],
    ) -> Result<AccessClaims, TokenError> {
        tokens::verify_access(token, keys, self.clock.now(), &self.issuer)
    }
}

#[async_trait]
impl AccessVerifier for AuthKeys {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let keys = self.keys(FRESH).await.ok_or(AccessRefusal::KeysUnavailable)?;
        let verified = match self.verify_with(token, &keys) {
            // The key may have been rotated since.
            Err(TokenError::UnknownKey) => {
                let keys = self.keys(PAUSE).await.ok_or(AccessRefusal::KeysUnavailable)?;
                self.verify_with(token, &keys)
            }
            verified => verified,
        };
        verified.map_err(|error| match error {
            TokenError::Expired => AccessRefusal::Expired,
            _ => AccessRefusal::Invalid,
        })
    }
}
