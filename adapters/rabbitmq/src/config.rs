use std::time::Duration;

use kernel::Secret;
use lapin::uri::AMQPUri;
use seam::resilience::Backoff;

use crate::RabbitError;

/// How a program uses RabbitMQ.
#[derive(Clone, Debug)]
pub struct RabbitConfig {
    /// `amqp://user:password@host:5672/vhost`, or `amqps://…`; the vhost `/` is written `%2f`.
    /// `?heartbeat=` in seconds and `?connection_timeout=` in milliseconds are understood.
    pub url: Secret,
    /// What the names of exchanges and queues begin with, so that several installations can share
    /// a vhost: letters, digits, `-`, `_` and `.`, at most 64 bytes.
    pub prefix: String,
    /// How many messages a feed has in hand at most. Above 100 the rate hardly grows.
    pub prefetch: u16,
    /// How long a connection or a channel may take to come about.
    pub connect_time: Duration,
    /// How long the broker may take to confirm a publication.
    pub confirm_time: Duration,
    /// The waits between attempts at a broker, or at an inbox, that is down. They go on without
    /// end.
    pub backoff: Backoff,
}

impl RabbitConfig {
    /// What programs run with.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            prefix: "ashlar".to_owned(),
            prefetch: 200,
            connect_time: Duration::from_secs(5),
            confirm_time: Duration::from_secs(10),
            backoff: Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) },
        }
    }
}

/// A configuration that was found to be usable.
pub(crate) struct Settings {
    pub(crate) uri: AMQPUri,
    pub(crate) prefix: String,
    pub(crate) prefetch: u16,
    pub(crate) connect_time: Duration,
    pub(crate) confirm_time: Duration,
    pub(crate) backoff: Backoff,
}

/// A peer that says nothing for twice as long, in seconds, is taken to be gone. The broker's own
/// default, a minute, would leave a cut network unnoticed for two.
const HEARTBEAT: u16 = 10;

impl TryFrom<RabbitConfig> for Settings {
    type Error = RabbitError;

    fn try_from(config: RabbitConfig) -> Result<Self, RabbitError> {
        let RabbitConfig { url, prefix, prefetch, connect_time, confirm_time, backoff } = config;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(allowed) {
            return Err(RabbitError::Config {
                what: "the prefix is to be 1 to 64 letters, digits, `-`, `_` or `.`",
            });
        }
        // Zero means no limit to the broker: it would push a whole backlog into memory.
        if prefetch == 0 {
            return Err(RabbitError::Config { what: "the prefetch is to be 1 or more" });
        }
        let uri = parse(url.expose(), connect_time)?;
        Ok(Self { uri, prefix, prefetch, connect_time, confirm_time, backoff })
    }
}

/// The parser's own words repeat the URL, and with it the password.
fn parse(url: &str, connect_time: Duration) -> Result<AMQPUri, RabbitError> {
    const NOT_A_URL: RabbitError = RabbitError::Config {
        what: "the URL is to be like amqp://user:password@host:5672/vhost (`%2f` is the vhost `/`)",
    };
    // The parser takes an address in brackets for no host at all, and goes to localhost instead.
    if url.contains("//[") || url.contains("@[") {
        return Err(RabbitError::Config {
            what: "the URL names the broker by an IPv6 address; give it a host name",
        });
    }
    let mut uri: AMQPUri = url.parse().map_err(|_| NOT_A_URL)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    let timeout = u64::try_from(connect_time.as_millis()).unwrap_or(u64::MAX);
    uri.query.connection_timeout.get_or_insert(timeout);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut RabbitConfig)) -> Result<Settings, RabbitError> {
        let mut config = RabbitConfig::new(Secret::new("amqp://u:hunter2@broker.example/%2f"));
        change(&mut config);
        Settings::try_from(config)
    }

    #[test]
    fn reads_a_url() {
        let settings = with(|_| {}).expect("a usable configuration");
        assert_eq!(settings.uri.authority.host, "broker.example");
        assert_eq!(settings.uri.vhost, "/");
        assert_eq!(settings.uri.query.heartbeat, Some(HEARTBEAT));
        let own = with(|config| config.url = Secret::new("amqp://127.0.0.1:5673/x?heartbeat=3"));
        let own = own.expect("a usable configuration").uri;
        assert_eq!((own.authority.host.as_str(), own.authority.port), ("127.0.0.1", 5673));
        assert_eq!((own.vhost.as_str(), own.query.heartbeat), ("x", Some(3)));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_telling_the_password() {
        let refused = [
            with(|config| config.url = Secret::new("http://u:hunter2@broker.example")),
            with(|config| config.url = Secret::new("amqp:hunter2")),
            with(|config| config.url = Secret::new("amqp://u:hunter2@[::1]/")),
            with(|config| config.prefix = String::new()),
            with(|config| config.prefix = "two words".to_owned()),
            with(|config| config.prefetch = 0),
        ];
        for outcome in refused {
            let Err(error) = outcome else { panic!("taken") };
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let config = RabbitConfig::new(Secret::new("amqp://u:hunter2@broker.example/"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
