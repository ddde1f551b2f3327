//! Verifies access tokens with auth's public keys, wherever auth runs.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_api::AuthApi;
use kernel::{CallContext, CallId, Clock, Principal};
use tokens::{AccessClaims, AccessKeys, TokenError};
use web::{AccessRefusal, AccessVerifier};

/// How long keys are used before they are asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// The least time between two questions, so that forged tokens cannot make us ask all the time.
const PAUSE: Duration = Duration::from_secs(5);
/// The same while there are no keys at all, and every request waits for them.
const COLD_PAUSE: Duration = Duration::from_millis(250);
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

#[derive(Clone, Default)]
struct Cache {
    keys: Option<Arc<AccessKeys>>,
    fetched: Option<Instant>,
    /// Also where nothing came of it.
    tried: Option<Instant>,
}

impl Cache {
    /// Whether auth need not, or must not yet, be asked again.
    fn suffices(&self, fresh: Duration) -> bool {
        let pause = if self.keys.is_some() { PAUSE } else { COLD_PAUSE };
        self.fetched.is_some_and(|fetched| fetched.elapsed() < fresh)
            || self.tried.is_some_and(|tried| tried.elapsed() < pause)
    }
}

/// What a request needs keys for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// To verify a token with.
    Any,
    /// None of the known ones is the token's: there may be a new one.
    Another,
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

    fn cached(&self) -> Cache {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys, asked for again where they are not fresh enough; never twice within a pause.
    async fn keys(&self, need: Need) -> Option<Arc<AccessKeys>> {
        let fresh = if need == Need::Another { PAUSE } else { FRESH };
        let known = self.cached();
        if known.suffices(fresh) {
            return known.keys;
        }
        let asking = if need == Need::Any && known.keys.is_some() {
            // One request asks; the others go on with the keys that there are, however long auth
            // takes to answer.
            match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return known.keys,
            }
        } else {
            self.asking.lock().await
        };
        let known = self.cached();
        if known.suffices(fresh) {
            return known.keys;
        }
        let keys = self.ask().await;
        drop(asking);
        keys
    }

    async fn ask(&self) -> Option<Arc<AccessKeys>> {
        let context =
            CallContext::new(Principal::service(&self.program), CallId::random(), PATIENCE);
        let answer = self.auth.signing_keys(&context).await;
        let now = Instant::now();
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.tried = Some(now);
        match answer {
            Ok(set) => {
                let fetched = AccessKeys::from_jwks(&set.keys, &self.issuer);
                // Those that are the same keep what they have verified.
                if !cache.keys.as_ref().is_some_and(|known| known.is_same_as(&fetched)) {
                    cache.keys = Some(Arc::new(fetched));
                }
                cache.fetched = Some(now);
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "auth's keys could not be fetched"
            ),
        }
        cache.keys.clone()
    }

    fn verify_with(&self, token: &str, keys: &AccessKeys) -> Result<AccessClaims, TokenError> {
        keys.verify(token, self.clock.now())
    }
}

#[async_trait]
impl AccessVerifier for AuthKeys {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let keys = self.keys(Need::Any).await.ok_or(AccessRefusal::KeysUnavailable)?;
        let verified = match self.verify_with(token, &keys) {
            // The key may have been rotated since.
            Err(TokenError::UnknownKey) => {
                let keys = self.keys(Need::Another).await.ok_or(AccessRefusal::KeysUnavailable)?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use auth_api::{AuthError, Contact, ContactQuery, KeySet};
    use kernel::SystemClock;
    use seam::CallFailure;
    use tokio::sync::Notify;

    use super::*;

    /// Answers its first question and hangs on all others.
    #[derive(Default)]
    struct HangsLater {
        asked: AtomicU32,
        hung: Notify,
    }

    #[async_trait]
    impl AuthApi for HangsLater {
        async fn signing_keys(&self, _: &CallContext) -> Result<KeySet, AuthError> {
            if self.asked.fetch_add(1, Ordering::SeqCst) > 0 {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            Ok(KeySet { keys: Vec::new() })
        }

        async fn contacts(
            &self,
            _: &CallContext,
            _: ContactQuery,
        ) -> Result<Vec<Contact>, AuthError> {
            Err(CallFailure::unavailable("auth").into())
        }
    }

    #[tokio::test]
    async fn while_auth_hangs_the_known_keys_serve_everybody_else() {
        let auth = Arc::new(HangsLater::default());
        let keys = AuthKeys::new(Arc::clone(&auth) as _, "test", "issuer", Arc::new(SystemClock));
        assert!(keys.keys(Need::Any).await.is_some());
        keys.cache.write().expect("no panic").fetched = None;
        keys.cache.write().expect("no panic").tried = None;
        let keys = Arc::new(keys);
        let asking = tokio::spawn({
            let keys = Arc::clone(&keys);
            async move { keys.keys(Need::Any).await.is_some() }
        });
        auth.hung.notified().await;
        for _ in 0..100 {
            let known = tokio::time::timeout(Duration::ZERO, keys.keys(Need::Any)).await;
            assert!(known.expect("answered at once").is_some());
        }
        asking.abort();
        assert_eq!(auth.asked.load(Ordering::SeqCst), 2, "only one request asks");
    }
}
