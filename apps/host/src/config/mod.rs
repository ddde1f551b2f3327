//! What an operator can set: typed, documented, checked as a whole before anything starts.

mod address;
mod advisor;
mod bus;
mod check;
mod layers;
mod limits;
mod listeners;
mod mistakes;
mod redis;
mod secrets;
mod section;
mod stores;
mod telemetry;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

pub use advisor::{AdvisorConfig, ModuleFacts};
pub use bus::{Bus, EventsConfig, RabbitmqConfig};
pub use layers::Layers;
pub use limits::LimitsConfig;
pub use listeners::{InternalConfig, PublicConfig};
pub use mistakes::Mistakes;
pub use redis::RedisConfig;
pub use section::Section;
pub use stores::{
    ModuleDatabase, ModulePostgresConfig, Pooler, PostgresConfig, StoreConfig, StoreEngine,
};
pub use telemetry::{MetricsAccess, TelemetryConfig};

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
    /// What of traces is kept, and where it goes.
    pub telemetry: TelemetryConfig,
    /// How calls between modules are made.
    pub seam: SeamConfig,
    /// Which engine the data are on.
    pub store: StoreConfig,
    /// How PostgreSQL is reached, where that is the engine.
    pub postgres: PostgresConfig,
    /// `modules.<name>.postgres`: what is a module's own of it.
    pub databases: BTreeMap<String, ModulePostgresConfig>,
    /// What brings events from module to module.
    pub events: EventsConfig,
    /// The broker, where that is the bus.
    pub rabbitmq: RabbitmqConfig,
    /// Where replicas count and remember together.
    pub redis: RedisConfig,
    /// How many requests are taken from whom.
    pub limits: LimitsConfig,
    /// What the scaling advisor goes by.
    pub advisor: AdvisorConfig,
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

/// A module that runs elsewhere.
#[derive(Clone, Debug, Default)]
pub struct RemoteConfig {
    /// Its internal listeners, such as `http://10.0.0.7:9081`; calls are balanced over them.
    pub urls: Vec<String>,
    /// Its public listeners; what comes in under its paths is passed on to them. Leave it out
    /// where an outer gateway routes those paths.
    pub public_urls: Vec<String>,
}

/// `modules.<name>` as it is written: where the module runs, where its data are, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ModuleSection {
    urls: Option<Vec<String>>,
    public_urls: Vec<String>,
    postgres: Option<ModulePostgresConfig>,
}

impl ModuleSection {
    /// Where it runs. A section that only says where the data are leaves the module here.
    fn remote(&self) -> Option<RemoteConfig> {
        let stays = self.urls.is_none() && self.public_urls.is_empty() && self.postgres.is_some();
        (!stays).then(|| RemoteConfig {
            urls: self.urls.clone().unwrap_or_default(),
            public_urls: self.public_urls.clone(),
        })
    }
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
        let modules: BTreeMap<String, ModuleSection> =
            Section::new("modules", layers, mistakes).read();
        let remote = modules.iter().filter_map(|(name, it)| Some((name.clone(), it.remote()?)));
        let mut config = Self {
            profile: profile.unwrap_or_default(),
            data: Section::new("data", layers, mistakes).read(),
            public: Section::new("public", layers, mistakes).read(),
            internal: Section::new("internal", layers, mistakes).read(),
            log: Section::new("log", layers, mistakes).read(),
            telemetry: Section::new("telemetry", layers, mistakes).read(),
            seam: Section::new("seam", layers, mistakes).read(),
            store: Section::new("store", layers, mistakes).read(),
            postgres: Section::new("postgres", layers, mistakes).read(),
            events: Section::new("events", layers, mistakes).read(),
            rabbitmq: Section::new("rabbitmq", layers, mistakes).read(),
            redis: Section::new("redis", layers, mistakes).read(),
            limits: Section::new("limits", layers, mistakes).read(),
            advisor: Section::new("advisor", layers, mistakes).read(),
            modules: remote.collect(),
            databases: modules
                .into_iter()
                .filter_map(|(name, it)| Some((name, it.postgres?)))
                .collect(),
        };
        config.read_operator_token(mistakes);
        config.read_passwords(mistakes);
        config.read_bus(mistakes);
        config.read_redis(mistakes);
        config.read_telemetry(mistakes);
        config.check_limits(mistakes);
        config.check_advisor(known, mistakes);
        config.check_listeners(profile.is_some(), mistakes);
        config.check_modules(known, linked, mistakes);
        config
    }
}
