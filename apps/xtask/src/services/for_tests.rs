//! Engines for a run of the tests.

use anyhow::{Context as _, Result};
use kernel::Secret;

use super::{Durability, Engine, book::Book, named, programs, server::Server};
use crate::{console::say, tools::Install, workspace::Workspace};

/// The engines that tests are told of: running ones that somebody names, and private ones.
#[derive(Debug)]
pub struct TestEngines {
    named: Vec<(&'static str, Secret)>,
    private: Vec<Engine>,
    running: Vec<Server>,
}

impl TestEngines {
    /// Finds out which are named, and makes sure that the others can be started.
    ///
    /// # Errors
    /// One cannot be started here; the message says how to install it.
    pub fn plan(workspace: &Workspace, install: Install) -> Result<Self> {
        let book = Book::open(workspace.target())?;
        let configured = named::read(workspace.root())?;
        let (mut named, mut private) = (Vec::new(), Vec::new());
        for engine in Engine::ALL {
            let Some(variable) = engine.test_variable() else { continue };
            let configured = configured.iter().find(|named| {
                // A developer's own data are not for tests; and without an administrator's
                // entrance they can do nothing.
                let is_entered = engine != Engine::Postgres || named.address.user.is_some();
                named.engine == engine && is_entered && !book.holds(engine, &named.address)
            });
            if std::env::var_os(variable).is_some() {
                say(format_args!("{}: the one that {variable} names", engine.name()));
            } else if let Some(configured) = configured {
                say(format_args!("{}: the one that {} names", engine.name(), configured.by));
                named.push((variable, Secret::new(configured.address.in_clear())));
            } else {
                private.push(engine);
            }
        }
        // Tests start their own poolers.
        programs::ensure(&[private.as_slice(), &[Engine::PgBouncer]].concat(), install)?;
        Ok(Self { named, private, running: Vec::new() })
    }

    /// Starts the private ones.
    ///
    /// # Errors
    /// One does not start; those that did are ended.
    pub async fn start(&mut self) -> Result<()> {
        let starting = self.private.iter().map(async |engine| match engine {
            Engine::Postgres => Server::postgres(Durability::Fast).await.map(Some),
            Engine::RabbitMq => Server::rabbitmq().await.map(Some),
            Engine::Redis => Server::redis().await.map(Some),
            Engine::PgBouncer => Ok(None),
        });
        let started = futures_util::future::join_all(starting).await;
        let started: Result<Vec<Option<Server>>> = started.into_iter().collect();
        self.running =
            started.context("starting engines for the tests")?.into_iter().flatten().collect();
        for server in &self.running {
            say(format_args!("   {} on port {}", server.engine().name(), server.port()));
        }
        Ok(())
    }

    /// What the tests are told, as environment variables.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, Secret)> {
        let running = self.running.iter();
        let running =
            running.filter_map(|server| Some((server.engine().test_variable()?, server.url())));
        self.named.iter().cloned().chain(running).collect()
    }

    /// Keeps the logs of the private ones, and says where they are.
    pub fn keep_logs(&mut self) {
        for server in &mut self.running {
            server.keep_log();
            say(format_args!("   {} logged to {}", server.engine().name(), server.log().display()));
        }
    }
}
