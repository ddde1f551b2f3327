//! How the tracker is reached.

use std::time::Duration;

use kernel::Secret;
use sentry::types::Dsn;

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

    /// Checks a DSN.
    ///
    /// # Errors
    /// It is none.
    pub fn check(dsn: &Secret) -> Result<(), MalformedDsn> {
        parse(dsn).map(drop)
    }

    pub(crate) fn parsed(&self) -> Result<Dsn, MalformedDsn> {
        parse(&self.dsn)
    }
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
        for good in ["https://key@errors.example.com/1", "http://key@127.0.0.1:9000/prefix/7"] {
            assert_eq!(SentryConfig::check(&Secret::new(good)), Ok(()), "{good}");
        }
        for bad in ["", "errors.example.com", "https://errors.example.com/1", "https://key@host"] {
            assert_eq!(SentryConfig::check(&Secret::new(bad)), Err(MalformedDsn), "{bad}");
        }
    }

    #[test]
    fn a_dsn_is_in_no_debug_output() {
        let config = SentryConfig::new(Secret::new("https://the-key@host/1"), "test");
        assert!(!format!("{config:?}").contains("the-key"), "{config:?}");
    }
}
