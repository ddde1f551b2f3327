//! What an operator can set: typed, documented, checked as a whole before anything starts.

mod check;
mod layers;
mod mistakes;
mod section;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use kernel::Secret;
use serde::{Deserialize, Deserializer, de::Error as _};
use web::Origin;

pub use layers::Layers;
pub use mistakes::Mistakes;
pub use section::Section;

/// The settings that every program has. A module's own are in a section of its name.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where and for whom the program runs.
    pub profile: Profile,
    /// Where files are: of the embedded engine, keys, the sandbox.
    pub data: DataConfig,
    /// The listener for clients.
    pub public: PublicConfig,
    /// The listener for other programs and operators.
    pub internal: InternalConfig,
    /// What is logged, and how it is written.
    pub log: LogConfig,
    /// How calls between modules are made.
    pub seam: SeamConfig,
    /// `modules.<name>`: where modules run that do not run here.
    pub modules: BTreeMap<String, RemoteConfig>,
}

/// For whom a program runs. Nothing has an insecure default outside `local` and `test`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// One developer, on loopback: keys are made, mails and payments stay in the sandbox.
    #[default]
    Local,
    /// The project's own tests: as `local`, quieter.
    Test,
    /// Real users: every key is given, no sandbox.
    Production,
}

impl Profile {
    /// Whether keys may be made on the fly and sandbox adapters used.
    #[must_use]
    pub const fn allows_sandbox(self) -> bool {
        matches!(self, Self::Local | Self::Test)
    }
}

/// Where a program keeps its files.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where the module's files are: `<dir>/<module>.db`.
    pub dir: PathBuf,
    /// Where keys are; `<data.dir>/keys` where it is left out.
    pub keys_dir: Option<PathBuf>,
    /// Where the sandbox keeps mails and payments; `<data.dir>/sandbox` where it is left out.
    /// All programs of a shape share it.
    pub sandbox_dir: Option<PathBuf>,
}

impl DataConfig {
    /// Where signing keys, the trusted programs' public keys and the sealing key are.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.keys_dir.clone().unwrap_or_else(|| self.dir.join("keys"))
    }

    /// Where the sandbox keeps what it did.
    #[must_use]
    pub fn sandbox(&self) -> PathBuf {
        self.sandbox_dir.clone().unwrap_or_else(|| self.dir.join("sandbox"))
    }

    /// Where the sandbox keeps the mails that it took.
    #[must_use]
    pub fn mailbox(&self) -> PathBuf {
        self.sandbox().join("mailbox")
    }

    /// Where the sandbox keeps the payments that it took.
    #[must_use]
    pub fn payments(&self) -> PathBuf {
        self.sandbox().join("payments")
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("data"), keys_dir: None, sandbox_dir: None }
    }
}

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

/// What a program tells of its work.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level, or directives such as `info,storage=debug`.
    pub level: String,
    /// `pretty` for people, `json` for machines; by the profile where it is left out.
    pub format: Option<LogFormat>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: None }
    }
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Origin>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// How calls between modules are made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeamConfig {
    /// How modules in this program call each other.
    pub local: LocalCalls,
}

/// How modules in one program call each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalCalls {
    /// A guarded function call.
    #[default]
    Direct,
    /// Through the wire format, every second call twice: for tests.
    Loopback,
}

/// `modules.<name>`: a module that runs elsewhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteConfig {
    /// Its internal listeners, such as `http://10.0.0.7:9081`; calls are balanced over them.
    pub urls: Vec<String>,
    /// Its public listeners; what comes in under its paths is passed on to them. Leave it out
    /// where an outer gateway routes those paths.
    pub public_urls: Vec<String>,
}

impl Config {
    /// Reads the sections that every program has and checks them; `known` are the names of all
    /// modules, `linked` those that this program can run itself.
    pub fn read(
        layers: &mut Layers,
        known: &[&'static str],
        linked: &[&'static str],
        mistakes: &mut Mistakes,
    ) -> Self {
        let profile = match layers.take("profile") {
            None => None,
            Some(value) => match Profile::deserialize(value) {
                Ok(profile) => Some(profile),
                Err(_) => {
                    mistakes.add("profile", "is `local`, `test` or `production`");
                    None
                }
            },
        };
        let mut config = Self {
            profile: profile.unwrap_or_default(),
            data: Section::new("data", layers, mistakes).read(),
            public: Section::new("public", layers, mistakes).read(),
            internal: Section::new("internal", layers, mistakes).read(),
            log: Section::new("log", layers, mistakes).read(),
            seam: Section::new("seam", layers, mistakes).read(),
            modules: Section::new("modules", layers, mistakes).read(),
        };
        config.read_operator_token(mistakes);
        config.check_listeners(profile.is_some(), mistakes);
        config.check_modules(known, linked, mistakes);
        config
    }
}
