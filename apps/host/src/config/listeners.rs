//! The two listeners.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use kernel::Secret;
use serde::{Deserialize, Deserializer, de::Error as _};
use web::{Origin, limits::Network};

/// The listener for clients, and what it asks of their requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublicConfig {
    /// Address and port; port 0 takes a free one.
    pub bind: SocketAddr,
    /// What links in mails begin with; `http://<bind>` where it is left out.
    pub origin: Option<String>,
    /// The origins whose pages may call the API (CORS), such as `https://app.example.com`.
    #[serde(deserialize_with = "origins")]
    pub allowed_origins: Vec<Origin>,
    /// How long a request may take, in seconds: 1 to 300.
    pub request_seconds: u64,
    /// The largest body, in bytes: 1 KiB to 100 MiB.
    pub max_body_bytes: usize,
    /// Threads that serve requests: 1 to 256.
    pub workers: usize,
    /// Whether clients come over TLS, so that browsers may be told to insist on it (HSTS).
    pub behind_tls: bool,
    /// How many proxies of one's own stand before this listener, one behind the other, each of
    /// which appends to `X-Forwarded-For`: 0 to 10. A client's address is believed from them alone.
    /// Another program that passes requests on to this one counts as one, whatever stands before
    /// that.
    pub trusted_hops: usize,
    /// The addresses or networks that the nearest of them connects from, such as `10.0.0.0/8`.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<Network>,
}

impl Default for PublicConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            origin: None,
            allowed_origins: Vec::new(),
            request_seconds: 10,
            max_body_bytes: 1024 * 1024,
            workers: 2,
            behind_tls: false,
            trusted_hops: 0,
            trusted_proxies: Vec::new(),
        }
    }
}

impl PublicConfig {
    /// How long a request may take.
    #[must_use]
    pub const fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    /// What links begin with, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.bind),
        }
    }
}

/// The listener for other programs and operators, and how the program stops.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InternalConfig {
    /// Address and port; never one that clients can reach.
    pub bind: SocketAddr,
    /// Threads that serve calls: 1 to 256.
    pub workers: usize,
    /// What operators authenticate with at `/ops`, at least 16 characters; without one, `/ops` is
    /// closed.
    pub operator_token: Option<Secret>,
    /// A file that holds it.
    pub operator_token_file: Option<PathBuf>,
    /// How long a stopping program waits for the work in hand, in seconds: 1 to 120. Shorter than
    /// the orchestrator's own bound, which is 30 by custom.
    pub drain_seconds: u64,
}

impl Default for InternalConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9080),
            workers: 1,
            operator_token: None,
            operator_token_file: None,
            drain_seconds: 20,
        }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Origin>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}
