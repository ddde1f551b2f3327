//! Tokens whose signatures were verified.

use std::{fmt, time::Duration};

use kernel::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::{TokenError, jwt::Validity};

/// A token is verified again after this time: most have expired by then, and would keep the place of
/// others that come less often.
const LONGEST: Duration = Duration::from_secs(300);

/// What tokens say, so that one that comes again, as most do, costs no verification, a
/// large part of a small read (`docs/performance.md`). Their time is checked whenever they come.
///
/// Tokens are known by their SHA-256, so that none lies in memory. There are never more than
/// [`Verified::MOST`], a few MB; those that come most often stay.
#[derive(Clone)]
pub(crate) struct Verified<T>(Cache<[u8; 32], (T, Validity)>);

impl<T: Clone + Send + Sync + 'static> Verified<T> {
    const MOST: u64 = 20_000;

    /// What `token` says: as it was found out before, or as `verify` finds out now.
    ///
    /// # Errors
    /// What `verify` says; [`TokenError::Expired`] or [`TokenError::NotYetValid`].
    pub(crate) fn or_verify(
        &self,
        token: &str,
        now: Timestamp,
        verify: impl FnOnce() -> Result<(T, Validity), TokenError>,
    ) -> Result<T, TokenError> {
        let digest = Sha256::digest(token).into();
        if let Some((said, validity)) = self.0.get(&digest) {
            validity.check(now)?;
            return Ok(said);
        }
        let (said, validity) = verify()?;
        validity.check(now)?;
        self.0.insert(digest, (said.clone(), validity));
        Ok(said)
    }
}

impl<T: Clone + Send + Sync + 'static> Default for Verified<T> {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(Self::MOST).time_to_live(LONGEST).build())
    }
}

impl<T> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").finish_non_exhaustive()
    }
}
