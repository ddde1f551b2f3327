//! Engines for a run of the tests.

use std::env;

use anyhow::{Context as _, Result};
use kernel::Secret;

use super::{
    Durability, Engine,
    address::Address,
    peer::Peer,
    probe,
    programs::{self, Otherwise},
    server::Server,
};
use crate::{console::say, tools::Install, workspace::Workspace};

/// The engines that tests are told of: private ones, and those that `ASHLAR_TEST_…` name.
///
/// Not those that the configuration of the programs names. They hold somebody's data, and roles of
/// PostgreSQL are shared by all databases of a server: tests would change them under a product
/// that runs there.
#[derive(Debug)]
pub struct TestEngines {
    private: Vec<Engine>,
    peer: Option<Peer>,
    running: Vec<Server>,
}

impl TestEngines {
    /// Finds out which are named and answer, and makes sure that the others can be started.
    ///
    /// # Errors
    /// A named one does not answer; or another cannot be started here, and the message says how to
    /// install it.
    pub async fn plan(workspace: &Workspace, install: Install) -> Result<Self> {
        let mut private = Vec::new();
        for engine in Engine::ALL {
            let variable = engine.test_variable();
            let Some((variable, url)) =
                variable.and_then(|name| Some((name, env::var(name).ok()?)))
            else {
                private.push(engine);
                continue;
            };
            let address = Address::parse(&url).context(variable)?;
            let context = || format!("{} at {address}, which {variable} names", engine.name());
            probe::ask(engine, &address).await.with_context(context)?;
            say(format_args!("{}: the one that {variable} names", engine.name()));
        }
        programs::ensure(&private, install, Otherwise::NameForTests)?;
        programs::prometheus(install)
            .context("the dashboards are tested with Prometheus; --embedded leaves that out")?;
        Ok(Self { private, peer: Peer::plan(workspace, install)?, running: Vec::new() })
    }

    /// Starts the private ones, but for the pooler, which tests start themselves.
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
        let started = started.context("starting engines for the tests")?;
        self.running = started.into_iter().flatten().collect();
        match &mut self.peer {
            Some(peer) => peer.start().await,
            None => Ok(()),
        }
    }

    /// What the tests are told besides what the environment says already.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, Secret)> {
        let told = |server: &Server| Some((server.engine().test_variable()?, server.url()));
        let peer = self.peer.as_ref().and_then(Peer::variable);
        self.running.iter().filter_map(told).chain(peer).collect()
    }

    /// Keeps the logs of the private ones, and says where they are.
    pub fn keep_logs(&mut self) {
        for server in &mut self.running {
            server.keep_log();
            say(format_args!("   {} logged to {}", server.engine().name(), server.log().display()));
        }
        if let Some(peer) = &self.peer {
            say(format_args!("   localstripe logged to {}", peer.log().display()));
        }
    }
}
