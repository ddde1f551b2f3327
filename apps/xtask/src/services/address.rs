//! Where an engine is: `scheme://user:password@host:port/path?query`.

use std::fmt;

use anyhow::{Context as _, Result};
use kernel::Secret;

/// Where an engine is, and who enters.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// Without the slash; percent-encoded as it was.
    pub(super) path: String,
    query: Option<String>,
}

impl Address {
    pub(super) fn on_loopback(scheme: &str, port: u16, path: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            user: None,
            password: None,
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            path: path.to_owned(),
            query: None,
        }
    }

    /// The same, entered by `user`.
    pub(super) fn by(self, user: &str, password: Option<&Secret>) -> Self {
        Self { user: Some(user.to_owned()), password: password.cloned(), ..self }
    }

    /// The same, elsewhere in the engine.
    pub(super) fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// Reads what a person wrote. The error does not show it, since it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").context("it has no scheme, such as amqp://")?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (entry, place) = match authority.rsplit_once('@') {
            Some((entry, place)) => (Some(entry), place),
            None => (None, authority),
        };
        let (user, password) = match entry.map(|entry| entry.split_once(':').unwrap_or((entry, "")))
        {
            Some((user, "")) => (Some(user), None),
            Some((user, password)) => (Some(user), Some(password)),
            None => (None, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, Some(port.parse().context("its port is no number up to 65535")?))
            }
            _ => (place, None),
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            user: user.map(decoded).transpose()?.filter(|user| !user.is_empty()),
            password: password.map(decoded).transpose()?.map(Secret::new),
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            path: path.to_owned(),
            query,
        })
    }

    /// With the password in clear: for the engine, and for who asked for it.
    pub(super) fn in_clear(&self) -> String {
        self.written(self.password.as_ref().map(Secret::expose))
    }

    /// Without user and password, as programs are told.
    pub(super) fn anonymous(&self) -> String {
        Self { user: None, password: None, ..self.clone() }.in_clear()
    }

    /// Whether it is a port of this machine.
    pub(super) fn is_local_port(&self, port: u16) -> bool {
        self.port == Some(port) && ["127.0.0.1", "localhost", "::1"].contains(&self.host.as_str())
    }

    fn written(&self, password: Option<&str>) -> String {
        let user = self.user.as_deref().map(encoded).unwrap_or_default();
        let password = password.map(|text| format!(":{}", encoded(text))).unwrap_or_default();
        let at = if self.user.is_some() || !password.is_empty() { "@" } else { "" };
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = if self.path.is_empty() { String::new() } else { format!("/{}", self.path) };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{user}{password}{at}{host}{port}{path}{query}", self.scheme)
    }
}

/// With stars for the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.password.is_some().then_some("\0");
        f.write_str(&self.written(shown).replace("%00", "***"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Percent-decodes (RFC 3986, 2.1).
pub(super) fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.context("a % in it is not followed by two hexadecimal digits")?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).context("it is not UTF-8")
}

fn encoded(text: &str) -> String {
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(
            |byte| {
                if unreserved(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for url in [
            "postgres://postgres@127.0.0.1:5432/postgres",
            "postgresql://ada:s%3Acr%40t@db.example.com/ashlar?sslmode=verify-full",
            "amqp://guest:guest@127.0.0.1:5672/%2f",
            "amqps://broker.example.com",
            "redis://:secret@127.0.0.1:6379/1",
            "redis://[::1]:6379",
        ] {
            assert_eq!(Address::parse(url).expect(url).in_clear(), url);
        }
    }

    #[test]
    fn no_password_is_shown() {
        let address = Address::parse("amqp://ada:s%3Acret@127.0.0.1:5672/%2f").expect("a URL");
        assert_eq!(address.password, Some(Secret::new("s:cret")));
        assert_eq!(address.to_string(), "amqp://ada:***@127.0.0.1:5672/%2f");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(address.anonymous(), "amqp://127.0.0.1:5672/%2f");
        assert!(address.is_local_port(5672) && !address.is_local_port(5673));
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_shown() {
        for wrong in ["s3cret", "amqp://a:s3cret@b:notaport/", "amqp://a:s3cret%zz@b/"] {
            let error = format!("{:#}", Address::parse(wrong).expect_err(wrong));
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
