//! What the programs of a shape keep their data on, and send their events over.

use std::{fmt, str::FromStr as _};

use anyhow::{Context as _, Result};
use kernel::Secret;
use sqlx::postgres::PgConnectOptions;

/// What the programs of a shape keep their data on.
#[derive(Clone, Debug)]
pub enum Engine {
    /// The embedded default: files in the data directory, events straight from program to program;
    /// or what the programs find configured where they run.
    Embedded,
    /// Engines of their own.
    Real(RealEngines),
}

/// Running engines, and what in them is the shape's.
#[derive(Clone, Debug)]
pub struct RealEngines {
    /// The shape's own database, as a user who may create schemas and roles.
    pub postgres: Secret,
    /// The broker, such as `amqp://guest:guest@127.0.0.1:5672/%2f`; without one, events go straight
    /// from program to program.
    pub rabbitmq: Option<Secret>,
    /// `redis://127.0.0.1:6379`; without one, limits and caches are in each process.
    pub redis: Option<Secret>,
    /// What the names in the broker begin with.
    pub prefix: String,
}

/// What application roles log in with where the server asks for it.
const APP_PASSWORD: &str = "of-the-application";

impl Engine {
    /// What a program is told, by environment variables.
    pub(super) fn settings(&self) -> Result<Vec<(&'static str, Value)>> {
        match self {
            Self::Embedded => Ok(Vec::new()),
            Self::Real(engines) => engines.settings(),
        }
    }

    /// What `migrate` is told besides.
    pub(super) fn migrate_settings(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Embedded => Vec::new(),
            Self::Real(engines) => {
                vec![("ASHLAR__POSTGRES__ADMIN_URL", Value::Hidden(engines.postgres.clone()))]
            }
        }
    }
}

impl RealEngines {
    /// Where programs find the database that `admin` administers: without a user.
    ///
    /// # Errors
    /// A URL that cannot be read, or that names no database.
    pub fn served_url(admin: &Secret) -> Result<String> {
        served_url(admin)
    }

    /// The database as the application role of `module` logs in to it.
    pub(crate) fn login(&self, module: &str) -> Result<Secret> {
        let served = served_url(&self.postgres)?;
        let (scheme, place) = served.split_once("://").context("a URL has a scheme")?;
        let password = if has_password(self.postgres.expose()) {
            format!(":{APP_PASSWORD}")
        } else {
            String::new()
        };
        Ok(Secret::new(format!("{scheme}://{module}_app{password}@{place}")))
    }

    fn settings(&self) -> Result<Vec<(&'static str, Value)>> {
        let mut settings = vec![
            ("ASHLAR__STORE__ENGINE", Value::plain("postgres")),
            ("ASHLAR__POSTGRES__URL", Value::Plain(served_url(&self.postgres)?)),
        ];
        if has_password(self.postgres.expose()) {
            // The server asks: the roles get some, which are the same for all shapes, since roles
            // belong to the whole server.
            settings.push(("ASHLAR__POSTGRES__APP_PASSWORD", Value::hidden(APP_PASSWORD)));
            settings.push(("ASHLAR__POSTGRES__SYSTEM_PASSWORD", Value::hidden("of-the-system")));
        }
        if let Some(rabbitmq) = &self.rabbitmq {
            settings.push(("ASHLAR__EVENTS__BUS", Value::plain("rabbitmq")));
            settings.push(("ASHLAR__RABBITMQ__URL", Value::Hidden(rabbitmq.clone())));
            settings.push(("ASHLAR__RABBITMQ__PREFIX", Value::Plain(self.prefix.clone())));
        }
        if let Some(redis) = &self.redis {
            settings.push(("ASHLAR__REDIS__URL", Value::Hidden(redis.clone())));
            settings.push(("ASHLAR__REDIS__PREFIX", Value::Plain(self.prefix.clone())));
        }
        Ok(settings)
    }
}

/// A setting, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Plain(String),
    Hidden(Secret),
}

impl Value {
    pub(super) fn plain(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }

    fn hidden(text: &str) -> Self {
        Self::Hidden(Secret::new(text))
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Hidden(secret) => secret.expose(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => text.fmt(f),
            Self::Hidden(secret) => secret.fmt(f),
        }
    }
}

/// Where programs find the database that `admin` administers: without a user.
pub(crate) fn served_url(admin: &Secret) -> Result<String> {
    // The parser's error may repeat what it was given.
    let admin = PgConnectOptions::from_str(admin.expose())
        .map_err(|_| anyhow::anyhow!("the URL of PostgreSQL is malformed"))?;
    let database = admin.get_database().context("the URL of PostgreSQL names no database")?;
    let port = admin.get_port();
    Ok(match admin.get_socket() {
        Some(folder) => format!("postgres://:{port}/{database}?host={}", folder.display()),
        None => format!("postgres://{}:{port}/{database}", admin.get_host()),
    })
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let entry = authority.split('/').next().and_then(|authority| authority.rsplit_once('@'));
    entry.is_some_and(|(entry, _)| entry.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(postgres: &str) -> Vec<(&'static str, String)> {
        let engines = RealEngines {
            postgres: Secret::new(postgres),
            rabbitmq: None,
            redis: None,
            prefix: "ours".to_owned(),
        };
        let told = Engine::Real(engines).settings().expect("a good URL");
        told.into_iter().map(|(name, value)| (name, value.text().to_owned())).collect()
    }

    #[test]
    fn programs_are_told_where_and_not_as_whom() {
        let url = ("ASHLAR__POSTGRES__URL", "postgres://127.0.0.1:5433/one".to_owned());
        let open = told("postgres://postgres@127.0.0.1:5433/one");
        assert!(open.contains(&url) && open.len() == 2, "{open:?}");
        let closed = told("postgres://ada:hunter2@127.0.0.1:5433/one");
        assert!(closed.contains(&url) && closed.len() == 4, "{closed:?}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let engines = RealEngines {
            postgres: Secret::new("postgres://ada:hunter2@h/one"),
            rabbitmq: Some(Secret::new("amqp://ada:hunter2@h")),
            redis: None,
            prefix: "ours".to_owned(),
        };
        let engine = Engine::Real(engines);
        let shown = format!("{engine:?} {:?} {:?}", engine.settings(), engine.migrate_settings());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
