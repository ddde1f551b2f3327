//! What an operator may change about auth.

use std::time::Duration;

/// The module's settings; [`Default`] is what a program runs with unless it is told otherwise.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The `iss` of access tokens: the public origin.
    pub issuer: String,
    /// How long an access token is good for. Its holder keeps a role that was taken from them for
    /// as long.
    pub access_token_lifetime: Duration,
    /// How long an unused refresh token is good for.
    pub refresh_token_lifetime: Duration,
    /// After how long a session ends even though it is refreshed.
    pub session_lifetime: Duration,
    /// For how long after its rotation a refresh token is answered with its successor once more,
    /// for a client that lost the answer or refreshed twice at once. Afterwards its use is theft.
    pub refresh_reuse_grace: Duration,
    /// How long the link of a verification mail works.
    pub verification_lifetime: Duration,
    /// How long an invitation can be accepted.
    pub invitation_lifetime: Duration,
    /// How long the call that reserves a seat may take.
    pub seat_call_time: Duration,
    /// After how long an invitation whose seat was never confirmed is given up. Longer than any
    /// request may take, so that the seat's call cannot arrive after its release.
    pub reservation_patience: Duration,
    /// How long an attempt to log in is remembered.
    pub sign_in_retention: Duration,
    /// How much password hashing is done at once.
    pub hashing: HashingLimits,
}

/// Each hash takes 19 MiB and tens of milliseconds of one core.
#[derive(Clone, Copy, Debug)]
pub struct HashingLimits {
    /// Hashes at the same time.
    pub concurrency: usize,
    /// Requests that may wait for their turn; what comes on top is answered 503.
    pub queue: usize,
}

impl Default for AuthSettings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let days = |n: u64| Duration::from_secs(86_400 * n);
        Self {
            issuer: "http://127.0.0.1:8080".to_owned(),
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

impl Default for HashingLimits {
    fn default() -> Self {
        let concurrency = std::thread::available_parallelism().map_or(2, usize::from);
        Self { concurrency, queue: concurrency * 16 }
    }
}
