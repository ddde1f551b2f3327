//! How the tracker is reached.

use std::time::Duration;

use kernel::Secret;
use sentry::types::{Dsn, Scheme};

/// Where the tracker is.
#[derive(Clone, Debug)]
pub struct SentryConfig {
    /// Its DSN, which holds a key.
    pub dsn: Secret,
    /// For whom the program runs, such as `production`.
    pub environment: String,
    /// How long it may take to answer. What it has not answered by then is lost.
    pub patience: Duration,
}

impl SentryConfig {
    /// At most 10 s for an answer.
    #[must_use]
    pub fn new(dsn: Secret, environment: impl Into<String>) -> Self {
        Self { dsn, environment: environment.into(), patience: Duration::from_secs(10) }
    }

    /// Where `dsn` leads.
    ///
    /// # Errors
    /// It is none.
    pub fn destination(dsn: &Secret) -> Result<Destination, MalformedDsn> {
        let dsn = parse(dsn)?;
        Ok(Destination { is_encrypted: dsn.scheme() == Scheme::Https, host: dsn.host().to_owned() })
    }

    pub(crate) fn parsed(&self) -> Result<Dsn, MalformedDsn> {
        parse(&self.dsn)
    }
}

/// Where a DSN leads, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Whether the key and the reports go there over TLS.
    pub is_encrypted: bool,
    /// A name, or an address; one of IPv6 is in brackets.
    pub host: String,
}

fn parse(dsn: &Secret) -> Result<Dsn, MalformedDsn> {
    // What it says of a mistake may repeat it.
    dsn.expose().parse().map_err(|_| MalformedDsn)
}

/// The DSN is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is the DSN of a project, such as https://key@errors.example.com/1")]
pub struct MalformedDsn;

/// The tracker could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SentryError {
    /// Where it is cannot be understood.
    #[error("the DSN of the error tracker is malformed")]
    Dsn(#[from] MalformedDsn),
    /// The HTTP client could not.
    #[error("the client of the error tracker could not be set up")]
    Client(#[from] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_names_a_key_a_host_and_a_project() {
        for (good, is_encrypted, host) in [
            ("https://key@errors.example.com/1", true, "errors.example.com"),
            ("http://key@127.0.0.1:9000/prefix/7", false, "127.0.0.1"),
            ("http://key:secret@[::1]/7", false, "[::1]"),
        ] {
            let expected = Destination { is_encrypted, host: host.to_owned() };
            assert_eq!(SentryConfig::destination(&Secret::new(good)), Ok(expected), "{good}");
        }
        for bad in ["", "errors.example.com", "https://errors.example.com/1", "https://key@host"] {
            assert_eq!(SentryConfig::destination(&Secret::new(bad)), Err(MalformedDsn), "{bad}");
        }
    }

    #[test]
    fn a_dsn_is_in_no_debug_output() {
        let config = SentryConfig::new(Secret::new("https://the-key@host/1"), "test");
        assert!(!format!("{config:?}").contains("the-key"), "{config:?}");
    }
}
