//! What of a program's traces is kept, and where traces, metrics and faults go.

use std::path::PathBuf;

use kernel::Secret;
use reqwest::{Url, header::HeaderValue};
use sentry_errors::SentryConfig;
use serde::Deserialize;
use telemetry::Rate;

use super::{Config, Mistakes, Profile, address::is_loopback, secrets};

/// `[telemetry]`: without an endpoint and a DSN nothing leaves the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// A collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is
    /// below it. In production one on another machine that wants an `Authorization` is reached
    /// over TLS.
    pub endpoint: Option<String>,
    /// The `Authorization` header that it wants.
    pub authorization: Option<Secret>,
    /// A file that holds it.
    pub authorization_file: Option<PathBuf>,
    /// The share of traces that are kept whatever comes of them, from 0 to 1; all in the profiles
    /// `local` and `test`, and a tenth in production. A request that says that its trace is kept is
    /// believed.
    pub trace_rate: Option<f64>,
    /// Whether requests that fail are kept besides.
    pub failed_traces: bool,
    /// Whether the last traces are kept in memory, for the dashboard: so in the profile `local`, and
    /// not in `test`, in which load is measured too. There is none in production.
    pub recent_traces: Option<bool>,
    /// How long spans are gathered before they are sent, in milliseconds: 100 to 60,000.
    pub every_ms: u64,
    /// Who may read `/metrics` on the internal listener: all who reach it in the profiles `local` and
    /// `test`, and operators in production.
    pub metrics: Option<MetricsAccess>,
    /// How often metrics are sent to the collector, in milliseconds: 1,000 to 300,000.
    pub metrics_every_ms: u64,
    /// How long the collector, or the error tracker, may take to answer, in milliseconds: 100 to 60,000.
    pub patience_ms: u64,
    /// The DSN of an error tracker that speaks the Sentry protocol. It holds a key: in production
    /// one on another machine is reached over TLS.
    pub sentry_dsn: Option<Secret>,
    /// A file that holds it.
    pub sentry_dsn_file: Option<PathBuf>,
    /// Whether the collector's `authorization` and the tracker's key may go to another machine over plain
    /// HTTP, as in a network that is safe. They may to this machine.
    pub plaintext: bool,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            authorization: None,
            authorization_file: None,
            trace_rate: None,
            failed_traces: true,
            recent_traces: None,
            every_ms: 5_000,
            metrics: None,
            metrics_every_ms: 15_000,
            patience_ms: 10_000,
            sentry_dsn: None,
            sentry_dsn_file: None,
            plaintext: false,
        }
    }
}

/// Who may read the program's metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsAccess {
    /// Nobody: nothing is gathered.
    Off,
    /// Whoever reaches the internal listener.
    Open,
    /// Whoever has the operators' token.
    Operators,
}

/// Of the traces of real users.
const A_TENTH: f64 = 0.1;

impl Config {
    pub(super) fn read_telemetry(&mut self, mistakes: &mut Mistakes) {
        let telemetry = &mut self.telemetry;
        let file = telemetry.authorization_file.as_deref();
        let authorization = &mut telemetry.authorization;
        secrets::from_file("telemetry.authorization", authorization, file, mistakes);
        let (file, dsn) = (telemetry.sentry_dsn_file.as_deref(), &mut telemetry.sentry_dsn);
        secrets::from_file("telemetry.sentry_dsn", dsn, file, mistakes);
        let in_clear = self.profile.allows_sandbox() || telemetry.plaintext;
        let may_be_plain = |host: &str| in_clear || is_loopback(host);
        if let Some(dsn) = &telemetry.sentry_dsn
            && let Err(what) = check_dsn(dsn, may_be_plain)
        {
            mistakes.add("telemetry.sentry_dsn", what);
        }
        let authorization = telemetry.authorization.as_ref();
        if let Some(endpoint) = &telemetry.endpoint
            && let Err(what) = check_endpoint(endpoint, authorization, may_be_plain)
        {
            mistakes.add("telemetry.endpoint", what);
        }
        // What is said of it repeats none of it.
        let is_header = |secret: &Secret| HeaderValue::from_str(secret.expose()).is_ok();
        if telemetry.authorization.as_ref().is_some_and(|secret| !is_header(secret)) {
            mistakes.add("telemetry.authorization", "cannot be the value of a header");
        }
        if telemetry.trace_rate.is_some_and(|rate| Rate::new(rate).is_none()) {
            mistakes.add("telemetry.trace_rate", "is between 0 and 1");
        }
        if telemetry.recent_traces == Some(true) && !self.profile.allows_sandbox() {
            let what = "is for the local and test profiles: production has no dashboard";
            mistakes.add("telemetry.recent_traces", what);
        }
        let TelemetryConfig { every_ms, patience_ms, metrics_every_ms, .. } = *telemetry;
        for (key, value, bounds) in [
            ("every_ms", every_ms, 100..=60_000),
            ("patience_ms", patience_ms, 100..=60_000),
            ("metrics_every_ms", metrics_every_ms, 1_000..=300_000),
        ] {
            if !bounds.contains(&value) {
                let what =
                    format!("is between {} and {}, not {value}", bounds.start(), bounds.end());
                mistakes.add(format!("telemetry.{key}"), what);
            }
        }
    }

    /// Who may read the program's metrics.
    pub(crate) fn metrics_access(&self) -> MetricsAccess {
        self.telemetry.metrics.unwrap_or(match self.profile {
            Profile::Local | Profile::Test => MetricsAccess::Open,
            Profile::Production => MetricsAccess::Operators,
        })
    }

    /// Whether the last traces are kept in memory.
    pub(crate) fn keeps_recent_traces(&self) -> bool {
        self.telemetry.recent_traces.unwrap_or(self.profile == Profile::Local)
    }

    /// Which traces are kept.
    pub(crate) fn trace_rate(&self) -> Rate {
        let by_profile = match self.profile {
            Profile::Local | Profile::Test => 1.0,
            Profile::Production => A_TENTH,
        };
        let share = self.telemetry.trace_rate.unwrap_or(by_profile);
        Rate::new(share).unwrap_or(Rate::ALL)
    }
}

/// What is said of the DSN repeats none of it: it holds a key.
fn check_dsn(dsn: &Secret, may_be_plain: impl Fn(&str) -> bool) -> Result<(), String> {
    let tracker = SentryConfig::destination(dsn).map_err(|malformed| malformed.to_string())?;
    if tracker.is_encrypted || may_be_plain(&tracker.host) {
        return Ok(());
    }
    Err("leads to another machine in clear, and holds a key: use `https://`, or set \
         `telemetry.plaintext = true` where the network is safe"
        .to_owned())
}

/// What is measured may go in clear; what lets us in at the collector may not.
fn check_endpoint(
    endpoint: &str,
    authorization: Option<&Secret>,
    may_be_plain: impl Fn(&str) -> bool,
) -> Result<(), &'static str> {
    const SHAPE: &str = "is the base of a collector's URLs, such as http://127.0.0.1:4318";
    let url = Url::parse(endpoint).map_err(|_| SHAPE)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
    match (url.scheme(), authorization) {
        ("https", _) | ("http", None) => Ok(()),
        ("http", Some(_)) if may_be_plain(host) => Ok(()),
        ("http", Some(_)) => Err("leads to another machine in clear, with \
                                  `telemetry.authorization`: use `https://`, or set \
                                  `telemetry.plaintext = true` where the network is safe"),
        _ => Err(SHAPE),
    }
}
