//! What every request at the public listener is measured by.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use kernel::{Ids, RandomIds, SystemClock};

use crate::{
    AccessVerifier, DEFAULT_BODY_LIMIT,
    limits::{Limits, TrustedProxies},
};

/// The settings of a public listener. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    /// Verifies access tokens.
    pub verifier: Arc<dyn AccessVerifier>,
    /// Names requests.
    pub ids: Arc<dyn Ids>,
    /// How long a request may take, from its arrival to the head of the answer; then it is 504.
    pub request_time: Duration,
    /// The longest body that is read, in bytes; a longer one is 413.
    pub body_limit: usize,
    /// The origins whose pages may call the API (CORS). Empty: none but the API's own.
    pub origins: Vec<Origin>,
    /// How clients reach the listener.
    pub encryption: Encryption,
    /// How many requests are taken from whom.
    pub limits: Arc<Limits>,
    /// Whose word for a client's address is taken.
    pub proxies: TrustedProxies,
    /// Prefixes of public paths with the modules that answer there, in this program: whose fault it is
    /// where something goes wrong.
    pub owners: Arc<[(&'static str, &'static str)]>,
}

impl Edge {
    /// 10 s, 1 MiB, no foreign origins, plain HTTP, no limits, no proxies, nobody's paths.
    #[must_use]
    pub fn new(verifier: Arc<dyn AccessVerifier>) -> Self {
        Self {
            verifier,
            ids: Arc::new(RandomIds),
            request_time: Duration::from_secs(10),
            body_limit: DEFAULT_BODY_LIMIT,
            origins: Vec::new(),
            encryption: Encryption::Plain,
            limits: Arc::new(Limits::off(Arc::new(SystemClock))),
            proxies: TrustedProxies::default(),
            owners: Arc::default(),
        }
    }
}

/// How clients reach a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Over plain HTTP, as on a developer's machine.
    Plain,
    /// Over TLS, here or in front: browsers are told to use nothing else (RFC 6797).
    Tls,
}

/// A web origin: scheme, host and perhaps a port, as browsers send it (RFC 6454 §6.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin as it stands in a header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || OriginError(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(refused)?;
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return Err(refused()),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let browsers_send_it_so = !authority.is_empty()
            && authority.bytes().all(plain)
            && !authority.bytes().any(|byte| byte.is_ascii_uppercase())
            && !authority.starts_with(':')
            && !authority.ends_with(default_port);
        if browsers_send_it_so { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }
}

/// The text is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin: write it as browsers do, such as https://app.example.com or \
     http://localhost:5173, in lower case, without a path and without the default port"
)]
pub struct OriginError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_browser_sends() {
        for origin in ["https://app.example.com", "http://localhost:5173", "http://[::1]:3000"] {
            assert_eq!(origin.parse::<Origin>().expect("an origin").as_str(), origin);
        }
    }

    #[test]
    fn refuses_what_would_never_match() {
        for text in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://localhost:80",
            "ftp://example.com",
            "https://user@example.com",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
