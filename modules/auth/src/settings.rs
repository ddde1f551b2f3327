//! What an operator may change about auth.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// The module's settings; [`Default`] is what a program runs with unless it is told otherwise. In
/// configuration every time is in whole seconds, and its key ends in `_seconds`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// How long an access token is good for. Its holder keeps a role that was taken from them for
    /// as long.
    #[serde(rename = "access_token_seconds", deserialize_with = "seconds")]
    pub access_token_lifetime: Duration,
    /// How long an unused refresh token is good for.
    #[serde(rename = "refresh_token_seconds", deserialize_with = "seconds")]
    pub refresh_token_lifetime: Duration,
    /// After how long a session ends even though it is refreshed.
    #[serde(rename = "session_seconds", deserialize_with = "seconds")]
    pub session_lifetime: Duration,
    /// For how long after its rotation a refresh token is answered with its successor once more,
    /// for a client that lost the answer or refreshed twice at once. Afterwards its use is theft.
    #[serde(rename = "refresh_reuse_grace_seconds", deserialize_with = "seconds")]
    pub refresh_reuse_grace: Duration,
    /// How long the link of a verification mail works.
    #[serde(rename = "verification_seconds", deserialize_with = "seconds")]
    pub verification_lifetime: Duration,
    /// How long an invitation can be accepted.
    #[serde(rename = "invitation_seconds", deserialize_with = "seconds")]
    pub invitation_lifetime: Duration,
    /// How long the call that reserves a seat may take.
    #[serde(rename = "seat_call_seconds", deserialize_with = "seconds")]
    pub seat_call_time: Duration,
    /// After how long an invitation whose seat was never confirmed is given up. Longer than any
    /// request may take, so that the seat's call cannot arrive after its release.
    #[serde(rename = "reservation_patience_seconds", deserialize_with = "seconds")]
    pub reservation_patience: Duration,
    /// How long an attempt to log in is remembered.
    #[serde(rename = "sign_in_retention_seconds", deserialize_with = "seconds")]
    pub sign_in_retention: Duration,
    /// How much password hashing is done at once.
    pub hashing: HashingLimits,
}

/// Each hash takes 19 MiB and tens of milliseconds of one core.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingLimits {
    /// Hashes at the same time: 1 to [`HashingLimits::MOST`].
    pub concurrency: usize,
    /// Requests that may wait for their turn; what comes on top is answered 503. So is who has waited
    /// for 5 s, or for a quarter of a second where the queue was never empty for a quarter
    /// of that.
    pub queue: usize,
}

impl Default for AuthSettings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let days = |n: u64| Duration::from_secs(86_400 * n);
        Self {
            access_token_lifetime: minutes(15),
            refresh_token_lifetime: days(30),
            session_lifetime: days(90),
            refresh_reuse_grace: Duration::from_secs(10),
            verification_lifetime: days(1),
            invitation_lifetime: days(7),
            seat_call_time: Duration::from_secs(5),
            reservation_patience: minutes(2),
            sign_in_retention: days(90),
            hashing: HashingLimits::default(),
        }
    }
}

impl HashingLimits {
    /// More than any machine has cores for.
    pub const MOST: usize = 256;
}

impl Default for HashingLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let concurrency = cores.min(Self::MOST);
        Self { concurrency, queue: concurrency * 16 }
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_keeps_its_default() {
        let settings: AuthSettings =
            serde_json::from_str(r#"{"access_token_seconds": 60, "hashing": {"concurrency": 1}}"#)
                .expect("settings");
        assert_eq!(settings.access_token_lifetime, Duration::from_secs(60));
        assert_eq!(settings.invitation_lifetime, AuthSettings::default().invitation_lifetime);
        assert_eq!(settings.hashing.concurrency, 1);
        assert_eq!(settings.hashing.queue, HashingLimits::default().queue);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(serde_json::from_str::<AuthSettings>(r#"{"access_token_lifetime": 60}"#).is_err());
    }
}
