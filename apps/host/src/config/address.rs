//! A database's URL.

use reqwest::Url;

use super::Profile;

/// The keys of a URL's query that mean something here. What means nothing would be ignored, and
/// with it perhaps what was to protect the connection.
const OPTIONS: [&str; 6] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "application_name"];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// A database's URL, taken apart. What is said of it repeats none of it: it may hold a password.
pub(super) struct Address {
    url: Url,
    options: Vec<(String, String)>,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || "is such as postgres://host:port/database?sslmode=require".to_owned();
        let url = Url::parse(text).map_err(|_| malformed())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(malformed());
        }
        let options: Vec<_> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let address = Self { url, options };
        if address.host().is_empty() {
            return Err("names no host, and no socket's folder (`?host=/run/postgresql`)".into());
        }
        if address.database().is_empty() || address.database().contains('/') {
            return Err("names the database after the host: postgres://host:port/database".into());
        }
        Ok(address)
    }

    /// What a serving program connects to.
    pub(super) fn check_served(&self) -> Result<(), String> {
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(
                "holds no user and no password: each module comes as its own roles, whose \
                        passwords are `app_password` and `system_password`"
                    .into(),
            );
        }
        self.check_options()
    }

    pub(super) fn check_admin(&self) -> Result<(), String> {
        if self.url.username().is_empty() {
            return Err("names the user who may create schemas and roles".into());
        }
        self.check_options()
    }

    fn check_options(&self) -> Result<(), String> {
        let unknown = self.options.iter().find(|(key, _)| !OPTIONS.contains(&key.as_str()));
        if let Some((key, _)) = unknown {
            return Err(format!("`{key}` means nothing there, only {}", OPTIONS.join(", ")));
        }
        match self.option("sslmode") {
            Some(mode) if !SSL_MODES.contains(&mode) => {
                Err(format!("`sslmode` is one of {}", SSL_MODES.join(", ")))
            }
            _ => Ok(()),
        }
    }

    /// Outside the local profiles nothing goes to another machine in clear, unless the operator
    /// has said just that.
    pub(super) fn check_encryption(&self, profile: Profile) -> Result<(), String> {
        let stays_here = self.is_socket() || is_loopback(self.host());
        if profile.allows_sandbox() || stays_here {
            return Ok(());
        }
        match self.option("sslmode") {
            Some("require" | "verify-ca" | "verify-full" | "disable") => Ok(()),
            _ => Err("leads to another machine: say `sslmode=verify-full` (or `require`, which \
                      does not check who answers), or `sslmode=disable` where the network is safe"
                .into()),
        }
    }

    pub(super) fn option(&self, key: &str) -> Option<&str> {
        let mut found = self.options.iter().filter(|(known, _)| known == key);
        found.next().map(|(_, value)| value.as_str())
    }

    fn host(&self) -> &str {
        self.option("host").or(self.url.host_str()).unwrap_or_default()
    }

    pub(super) fn is_socket(&self) -> bool {
        self.host().starts_with('/')
    }

    pub(super) fn database(&self) -> &str {
        self.url.path().trim_start_matches('/')
    }
}

/// Whether `host` is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
