//! Hashing passwords: slow on purpose, so bounded.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use kernel::Secret;
use tokio::sync::Semaphore;

use crate::settings::HashingLimits;

/// Turns passwords into something that can be kept. Both methods block for tens of milliseconds.
pub trait PasswordHashing: Send + Sync + 'static {
    /// A salted hash in the PHC string format.
    ///
    /// # Errors
    /// No randomness or memory could be had.
    fn hash(&self, password: &str) -> Result<String, HashingError>;

    /// Whether `password` belongs to `hash`.
    ///
    /// # Errors
    /// `hash` is not a hash that this can read.
    fn matches(&self, password: &str, hash: &str) -> Result<bool, HashingError>;

    /// A hash that no password matches, and that costs as much to check as any other: what an
    /// unknown address is checked against.
    fn decoy(&self) -> &str;
}

/// Hashing failed: a defect or an exhausted machine, never the password's fault.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashingError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// argon2id with 19 MiB, two passes and one lane: the floor of the OWASP Password Storage Cheat
/// Sheet.
#[derive(Clone, Debug)]
pub struct Argon2id(Argon2<'static>);

/// 32 zero bytes as a digest: no password is known to hash to it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$YXNobGFyLWRlY295LXNhbHQ$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Default for Argon2id {
    fn default() -> Self {
        let params = Params::new(19_456, 2, 1, None).unwrap_or(Params::DEFAULT);
        Self(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl PasswordHashing for Argon2id {
    fn hash(&self, password: &str) -> Result<String, HashingError> {
        self.0
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| HashingError(error.into()))
    }

    fn matches(&self, password: &str, hash: &str) -> Result<bool, HashingError> {
        match self.0.verify_password(password.as_bytes(), hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(HashingError(error.into())),
        }
    }

    fn decoy(&self) -> &str {
        DECOY
    }
}

/// Hashes on threads of their own, a few at a time.
pub(crate) struct Passwords {
    hashing: Arc<dyn PasswordHashing>,
    /// Those who hash and those who wait.
    admitted: Arc<Semaphore>,
    /// Those who hash.
    working: Arc<Semaphore>,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many wait already; nothing was done.
    #[error("too many passwords are being hashed")]
    Overloaded,
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error("the thread that hashed a password panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

impl Passwords {
    pub(crate) fn new(hashing: Arc<dyn PasswordHashing>, limits: HashingLimits) -> Self {
        let concurrency = limits.concurrency.max(1);
        Self {
            hashing,
            admitted: Arc::new(Semaphore::new(concurrency + limits.queue)),
            working: Arc::new(Semaphore::new(concurrency)),
        }
    }

    pub(crate) async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        self.bounded(move |hashing| hashing.hash(password.expose())).await
    }

    /// Whether `password` belongs to `hash`; with no hash, the same work and `false`.
    pub(crate) async fn matches(
        &self,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.bounded(move |hashing| match hash {
            Some(hash) => hashing.matches(password.expose(), &hash),
            None => hashing.matches(password.expose(), hashing.decoy()).map(|_| false),
        })
        .await
    }

    async fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn PasswordHashing) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let overloaded = |_| PasswordError::Overloaded;
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(overloaded)?;
        let working = Arc::clone(&self.working)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Overloaded)?;
        let hashing = Arc::clone(&self.hashing);
        let done = tokio::task::spawn_blocking(move || {
            // The permits stay with the thread: a caller who goes away does not free the core.
            let _permits = (admitted, working);
            work(&*hashing)
        });
        done.await.map_err(PasswordError::Panicked)?.map_err(PasswordError::Hashing)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let argon2 = Argon2id::default();
        let hash = argon2.hash("correct horse").expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, argon2.hash("correct horse").expect("hashes"), "the salt is random");
        assert!(argon2.matches("correct horse", &hash).expect("checks"));
        assert!(!argon2.matches("correct house", &hash).expect("checks"));
    }

    #[test]
    fn the_decoy_is_checked_like_any_hash_and_never_matches() {
        let argon2 = Argon2id::default();
        assert!(!argon2.matches("", argon2.decoy()).expect("the decoy can be checked"));
        let hash = argon2.hash("anything").expect("hashes");
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(argon2.decoy()), cost(&hash), "the same parameters");
        assert_eq!(
            argon2.decoy().rsplit('$').next().map(str::len),
            hash.rsplit('$').next().map(str::len)
        );
    }

    /// Hashes when it is let.
    struct Gate(std::sync::Mutex<mpsc::Receiver<()>>);

    impl PasswordHashing for Gate {
        fn hash(&self, _: &str) -> Result<String, HashingError> {
            self.0.lock().expect("not poisoned").recv().expect("let through");
            Ok("hash".to_owned())
        }

        fn matches(&self, _: &str, _: &str) -> Result<bool, HashingError> {
            Ok(true)
        }

        fn decoy(&self) -> &'static str {
            "decoy"
        }
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_refused() {
        let (open, gate) = mpsc::channel();
        let limits = HashingLimits { concurrency: 1, queue: 1 };
        let passwords = Arc::new(Passwords::new(Arc::new(Gate(gate.into())), limits));
        let hash = || {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.hash(Secret::new("p")).await })
        };
        let (first, second) = (hash(), hash());
        while passwords.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let third = passwords.hash(Secret::new("p")).await;
        assert!(matches!(third, Err(PasswordError::Overloaded)), "{third:?}");
        open.send(()).expect("somebody waits");
        open.send(()).expect("somebody waits");
        for admitted in [first, second] {
            assert_eq!(admitted.await.expect("joins").expect("hashes"), "hash");
        }
    }

    #[tokio::test]
    async fn an_unknown_address_matches_nothing() {
        let (_open, gate) = mpsc::channel();
        let passwords = Passwords::new(Arc::new(Gate(gate.into())), HashingLimits::default());
        assert!(!passwords.matches(Secret::new("p"), None).await.expect("checked"));
    }
}
