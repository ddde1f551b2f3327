//! What a private instance is: enough to start it, find it again, and talk to it.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Result;
use kernel::Secret;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::{Engine, address::Address, guard::Farewell, recipes};

/// Whether what is committed survives the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// As in production: everything reaches the disk, and roles log in with passwords.
    #[default]
    Real,
    /// For tests: nothing is flushed, and every local process may log in.
    Fast,
}

/// A private instance of an engine.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) recipe: Recipe,
    /// Everything that belongs to it is in here.
    pub(super) folder: PathBuf,
    /// On loopback.
    pub(super) port: u16,
}

/// What is particular to an engine.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub(super) enum Recipe {
    Postgres {
        durability: Durability,
        /// The superuser's.
        password: Option<Secret>,
    },
    RabbitMq {
        /// Where other Erlang nodes would reach it; its own commands do.
        node_port: u16,
        /// Where Erlang's port mapper listens, which no other node shares.
        mapper_port: u16,
    },
    Redis,
    PgBouncer {
        postgres_port: u16,
        password: Option<Secret>,
    },
}

/// One of an instance's processes.
pub(super) struct Part {
    pub(super) command: Command,
    /// Its end is the instance's end.
    pub(super) is_main: bool,
}

impl Spec {
    pub(super) const fn engine(&self) -> Engine {
        match self.recipe {
            Recipe::Postgres { .. } => Engine::Postgres,
            Recipe::RabbitMq { .. } => Engine::RabbitMq,
            Recipe::Redis => Engine::Redis,
            Recipe::PgBouncer { .. } => Engine::PgBouncer,
        }
    }

    /// Makes what it needs before it can start; does nothing where that is there.
    pub(super) async fn prepare(&self) -> Result<()> {
        match &self.recipe {
            Recipe::Postgres { durability, password } => {
                recipes::postgres::prepare(self, *durability, password.as_ref()).await
            }
            Recipe::RabbitMq { .. } => recipes::rabbitmq::prepare(self),
            Recipe::Redis => Ok(()),
            Recipe::PgBouncer { postgres_port, password } => {
                recipes::pgbouncer::prepare(self, *postgres_port, password.as_ref())
            }
        }
    }

    /// Its processes, the main one last.
    pub(super) fn parts(&self) -> Result<Vec<Part>> {
        match self.recipe {
            Recipe::Postgres { .. } => recipes::postgres::parts(self),
            Recipe::RabbitMq { node_port, mapper_port } => {
                recipes::rabbitmq::parts(self, node_port, mapper_port)
            }
            Recipe::Redis => recipes::redis::parts(self),
            Recipe::PgBouncer { .. } => recipes::pgbouncer::parts(self),
        }
    }

    /// Where an administrator reaches it.
    pub(super) fn address(&self) -> Address {
        let address = |scheme, path| Address::on_loopback(scheme, self.port, path);
        match &self.recipe {
            Recipe::Postgres { password, .. } | Recipe::PgBouncer { password, .. } => {
                address("postgres", "postgres").by("postgres", password.as_ref())
            }
            Recipe::RabbitMq { .. } => {
                address("amqp", "%2f").by("guest", Some(&Secret::new("guest")))
            }
            Recipe::Redis => address("redis", ""),
        }
    }

    pub(super) const fn stop_signal(&self) -> Signal {
        match self.recipe {
            // PostgreSQL's fast shutdown: clients are cut off, everything is written. SIGTERM
            // would wait for the clients. PgBouncer likewise.
            Recipe::Postgres { .. } | Recipe::PgBouncer { .. } => Signal::INT,
            Recipe::RabbitMq { .. } | Recipe::Redis => Signal::TERM,
        }
    }

    pub(super) const fn farewell(&self) -> Farewell {
        match self.recipe {
            Recipe::Postgres { .. } => Farewell::Quit,
            _ => Farewell::Kill,
        }
    }

    /// How long it may take until it answers: after a crash a database reads its log.
    pub(super) const fn patience(&self) -> Duration {
        match self.recipe {
            Recipe::Postgres { .. } | Recipe::RabbitMq { .. } => Duration::from_secs(90),
            _ => Duration::from_secs(20),
        }
    }

    /// What it writes about itself.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path("data")
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on port {} in {}", self.engine().name(), self.port, self.folder.display())
    }
}

/// A command that knows nothing of the environment around it: settings of the engine that happen
/// to be there, such as `PGDATA` or `RABBITMQ_NODENAME`, would lead it astray.
pub(super) fn bare(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).env("HOME", folder).env("LANG", "C.UTF-8");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}
