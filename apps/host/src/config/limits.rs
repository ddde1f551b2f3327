//! How much is taken from whom.

use serde::Deserialize;
use web::limits::{LimitRules, Quota, QuotaError};

use super::{Config, Mistakes};

/// `[limits]`: how many requests are taken from an address or a tenant. They are applied where a
/// request is answered, so all programs and replicas are told the same.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// What an address may ask for that costs us a mail and a password hash each, such as to sign
    /// up: 30 at once and 30 a minute.
    pub costly: QuotaConfig,
    /// How often an address may try a password: 60 times at once and 30 a minute.
    pub guessable: QuotaConfig,
    /// How often an address may send a token of a mail or of a session: 600 times at once and as
    /// often a minute. Sessions are refreshed so; thousands of people may share an address.
    pub token: QuotaConfig,
    /// What all members of a tenant together may ask for: 1,000 requests at once and 6,000 a minute.
    pub tenant: QuotaConfig,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            costly: QuotaConfig::default(),
            guessable: QuotaConfig::default(),
            token: QuotaConfig::default(),
            tenant: QuotaConfig::default(),
        }
    }
}

/// One quota; the class's own where a value is left out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaConfig {
    /// Requests at once: 1 to 1,000,000.
    pub burst: Option<u32>,
    /// Requests a minute in the long run: 1 to 6,000,000. The burst comes back within a day.
    pub per_minute: Option<u32>,
}

impl QuotaConfig {
    fn or(self, burst: u32, per_minute: u32) -> Result<Quota, QuotaError> {
        Quota::per_minute(self.burst.unwrap_or(burst), self.per_minute.unwrap_or(per_minute))
    }
}

impl LimitsConfig {
    /// The rules; `None` where there are no limits.
    ///
    /// # Errors
    /// The first setting that is out of its bounds; a configuration that was checked has none.
    pub fn rules(&self) -> Result<Option<LimitRules>, QuotaError> {
        let [(_, costly), (_, guessable), (_, token), (_, tenant)] = self.quotas();
        let rules =
            LimitRules { costly: costly?, guessable: guessable?, token: token?, tenant: tenant? };
        Ok(self.enabled.then_some(rules))
    }

    fn quotas(&self) -> [(&'static str, Result<Quota, QuotaError>); 4] {
        [
            ("costly", self.costly.or(30, 30)),
            ("guessable", self.guessable.or(60, 30)),
            ("token", self.token.or(600, 600)),
            ("tenant", self.tenant.or(1_000, 6_000)),
        ]
    }
}

impl Config {
    pub(super) fn check_limits(&self, mistakes: &mut Mistakes) {
        for (class, quota) in self.limits.quotas() {
            let Err(error) = quota else { continue };
            let key = match error {
                QuotaError::Burst => "burst",
                QuotaError::Rate | QuotaError::Window => "per_minute",
            };
            mistakes.add(format!("limits.{class}.{key}"), error);
        }
        let proxies = &self.public.trusted_proxies;
        match self.public.trusted_hops {
            0 if !proxies.is_empty() => mistakes.add(
                "public.trusted_hops",
                "says how many proxies there are, one behind the other, where \
                 `public.trusted_proxies` says which",
            ),
            1.. if proxies.is_empty() => mistakes.add(
                "public.trusted_proxies",
                "names the addresses or networks that the nearest proxy connects from: a client \
                 could say what it likes otherwise",
            ),
            11.. => mistakes.add("public.trusted_hops", "is at most 10"),
            _ => {}
        }
    }
}
