//! The outside engines that the product can run on.

use serde::{Deserialize, Serialize};

/// An outside engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The production database, version 15 or newer.
    Postgres,
    /// The production broker, version 3.10 or newer.
    RabbitMq,
    /// Shared limits and caches.
    Redis,
    /// A pooler in front of PostgreSQL, in transaction mode.
    PgBouncer,
}

impl Engine {
    /// All, in the order in which they start.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::RabbitMq, Self::Redis, Self::PgBouncer];

    /// As its makers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
            Self::PgBouncer => "PgBouncer",
        }
    }

    /// As files and folders have it.
    pub(super) const fn slug(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::RabbitMq => "rabbitmq",
            Self::Redis => "redis",
            Self::PgBouncer => "pgbouncer",
        }
    }

    /// The package of Debian and Ubuntu.
    pub(super) const fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::RabbitMq => "rabbitmq-server",
            Self::Redis => "redis-server",
            Self::PgBouncer => "pgbouncer",
        }
    }

    /// The environment variable that tells tests where it is; PgBouncer they start themselves.
    pub(crate) const fn test_variable(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("ASHLAR_TEST_POSTGRES"),
            Self::RabbitMq => Some("ASHLAR_TEST_RABBITMQ"),
            Self::Redis => Some("ASHLAR_TEST_REDIS"),
            Self::PgBouncer => None,
        }
    }

    /// The settings that name one, the better first. Nobody names a pooler: its address is that
    /// of the database then.
    pub(super) const fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Postgres => &[("postgres", "admin_url"), ("postgres", "url")],
            Self::RabbitMq => &[("rabbitmq", "url")],
            Self::Redis => &[("redis", "url")],
            Self::PgBouncer => &[],
        }
    }
}
