//! What brings events from module to module.

use std::path::PathBuf;

use kernel::Secret;
use reqwest::Url;
use serde::Deserialize;

use super::{Config, Mistakes, Profile, address::is_loopback, secrets};

/// What brings events from module to module. All programs of a product are told the same: what one
/// leaves at a broker, another must fetch there.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// `ports`, or `rabbitmq`.
    pub bus: Bus,
}

/// The ways of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    /// Straight to the other module's inbox: a call in one process, pushed over HTTP between two.
    #[default]
    Ports,
    /// Through a queue for each module.
    Rabbitmq,
}

/// `[rabbitmq]`: the broker, where `events.bus` is `rabbitmq`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RabbitmqConfig {
    /// `amqps://user:password@host:port/vhost`.
    pub url: Option<Secret>,
    /// A file that holds it.
    pub url_file: Option<PathBuf>,
    /// What the names of exchanges and queues begin with: 1 to 64 of `a-z`, `0-9`, `.`, `_` and
    /// `-`. Products that share a broker differ in it.
    pub prefix: String,
    /// How many events a module has in hand at once: 1 to 5,000.
    pub prefetch: u16,
    /// Whether the broker on another machine may be reached without TLS: for networks that are
    /// safe otherwise.
    pub plaintext: bool,
}

impl Default for RabbitmqConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            prefix: "ashlar".to_owned(),
            prefetch: 200,
            plaintext: false,
        }
    }
}

impl Config {
    pub(super) fn read_bus(&mut self, mistakes: &mut Mistakes) {
        if self.events.bus == Bus::Ports {
            return;
        }
        let broker = &mut self.rabbitmq;
        let file = broker.url_file.as_deref();
        secrets::from_file("rabbitmq.url", &mut broker.url, file, mistakes);
        match &broker.url {
            None if broker.url_file.is_some() => {}
            None => mistakes.add(
                "rabbitmq.url",
                "is needed by `events.bus = \"rabbitmq\"`: amqps://user:password@host:port/vhost",
            ),
            Some(url) => {
                if let Err(what) = check_url(url.expose(), self.profile, broker.plaintext) {
                    mistakes.add("rabbitmq.url", what);
                }
            }
        }
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if !(1..=64).contains(&broker.prefix.len()) || !broker.prefix.chars().all(named) {
            mistakes.add("rabbitmq.prefix", "is 1 to 64 of a-z, 0-9, `.`, `_` and `-`");
        }
        if !(1..=5_000).contains(&broker.prefetch) {
            let what = format!("is between 1 and 5000, not {}", broker.prefetch);
            mistakes.add("rabbitmq.prefetch", what);
        }
    }
}

/// What is said of the URL repeats none of it: it holds a password.
fn check_url(text: &str, profile: Profile, plaintext: bool) -> Result<(), &'static str> {
    const SHAPE: &str = "is such as amqps://user:password@host:port/vhost";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
    if host.starts_with('[') {
        return Err("names the broker by an IPv6 address; give it a host name");
    }
    match url.scheme() {
        "amqps" => Ok(()),
        "amqp" if profile.allows_sandbox() || plaintext || is_loopback(host) => Ok(()),
        "amqp" => Err("leads to another machine in clear: use `amqps://`, or say \
                       `rabbitmq.plaintext = true` where the network is safe"),
        _ => Err(SHAPE),
    }
}
