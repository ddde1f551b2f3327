//! What replicas share for a moment.

use std::path::PathBuf;

use kernel::Secret;
use reqwest::Url;
use serde::Deserialize;

use super::{Config, Mistakes, Profile, address::is_loopback, secrets};

/// `[redis]`: where limits are counted for all replicas together, and answers kept. Without a URL
/// each program does both for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `rediss://user:password@host:port/database`.
    pub url: Option<Secret>,
    /// A file that holds it.
    pub url_file: Option<PathBuf>,
    /// What every key begins with: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`. Products that share a
    /// server differ in it; the programs of one product do not.
    pub prefix: String,
    /// How long a question may take before whoever asks goes on without, in milliseconds: 1 to
    /// 1,000.
    pub patience_ms: u64,
    /// Whether a server on another machine may be reached without TLS: for networks that are safe
    /// otherwise.
    pub plaintext: bool,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            prefix: "ashlar".to_owned(),
            patience_ms: 50,
            plaintext: false,
        }
    }
}

impl Config {
    pub(super) fn read_redis(&mut self, mistakes: &mut Mistakes) {
        let redis = &mut self.redis;
        let file = redis.url_file.as_deref();
        secrets::from_file("redis.url", &mut redis.url, file, mistakes);
        if let Some(url) = &redis.url
            && let Err(what) = check_url(url.expose(), self.profile, redis.plaintext)
        {
            mistakes.add("redis.url", what);
        }
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if !(1..=64).contains(&redis.prefix.len()) || !redis.prefix.chars().all(named) {
            mistakes.add("redis.prefix", "is 1 to 64 of a-z, 0-9, `.`, `_` and `-`");
        }
        if !(1..=1_000).contains(&redis.patience_ms) {
            let what = format!("is between 1 and 1000, not {}", redis.patience_ms);
            mistakes.add("redis.patience_ms", what);
        }
    }
}

/// What is said of the URL repeats none of it: it holds a password.
fn check_url(text: &str, profile: Profile, plaintext: bool) -> Result<(), &'static str> {
    const SHAPE: &str = "is such as rediss://user:password@host:port/database";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
    match url.scheme() {
        "rediss" => Ok(()),
        "redis" if profile.allows_sandbox() || plaintext || is_loopback(host) => Ok(()),
        "redis" => Err("leads to another machine in clear: use `rediss://`, or say \
                        `redis.plaintext = true` where the network is safe"),
        _ => Err(SHAPE),
    }
}
