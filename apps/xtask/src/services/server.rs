//! A private instance of an engine: started, stopped, killed, frozen.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use kernel::Secret;
use tokio::time::Instant;

use super::{
    Durability, Engine,
    guard::Guard,
    probe,
    process::{Identity, Process},
    scratch, secrets,
    spec::{Recipe, Spec},
};
use crate::{shapes, workspace::Workspace};

/// Longer than any of them has taken to end in order.
const PATIENCE_WITH_STOPPING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// Lines of a log that are shown beside a failure.
const SHOWN: usize = 30;

/// A private instance of an engine on free ports of loopback.
///
/// It lives as long as this value: dropping it, or the end of the process in any way, kills it and
/// removes its data. (`services up` is the exception; its instances live until `services down`.)
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    /// The main one last; empty while it is down.
    processes: Vec<Process>,
    lifetime: Lifetime,
    /// Whether the log is worth more than the place that it takes.
    keeps_log: bool,
    /// The ports stay ours while the engine is down.
    _leases: Vec<File>,
}

/// How long an instance lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// As long as its value.
    Value,
    /// Until somebody ends it.
    UntilDown,
}

impl Server {
    /// Starts PostgreSQL with an empty cluster, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not answer in time; the message ends with what it wrote.
    pub async fn postgres(durability: Durability) -> Result<Self> {
        Self::passing(Engine::Postgres, postgres_recipe(durability)?).await
    }

    /// Starts RabbitMQ with nothing declared, and waits until it lets a client in. `guest` may
    /// enter.
    ///
    /// # Errors
    /// As for [`Self::postgres`].
    pub async fn rabbitmq() -> Result<Self> {
        let ((node_port, first), (mapper_port, second)) = (shapes::lease()?, shapes::lease()?);
        let recipe = Recipe::RabbitMq { node_port, mapper_port };
        let mut server = Self::passing(Engine::RabbitMq, recipe).await?;
        server._leases.extend([first, second]);
        Ok(server)
    }

    /// Starts Redis, empty, and waits until it answers.
    ///
    /// # Errors
    /// As for [`Self::postgres`].
    pub async fn redis() -> Result<Self> {
        Self::passing(Engine::Redis, Recipe::Redis).await
    }

    /// Starts PgBouncer in transaction mode in front of `postgres`, and waits until a query comes
    /// through.
    ///
    /// # Errors
    /// As for [`Self::postgres`]; or `postgres` is none.
    pub async fn pgbouncer(postgres: &Self) -> Result<Self> {
        Self::passing(Engine::PgBouncer, pgbouncer_recipe(&postgres.spec)?).await
    }

    async fn passing(engine: Engine, recipe: Recipe) -> Result<Self> {
        let folder = scratch::passing(Workspace::find()?.target(), engine)?;
        let (port, lease) = shapes::lease()?;
        let spec = Spec { recipe, folder, port };
        let mut server = Self::down(spec, Lifetime::Value);
        server._leases.push(lease);
        server.start().await?;
        Ok(server)
    }

    /// One that is not running yet.
    pub(super) const fn down(spec: Spec, lifetime: Lifetime) -> Self {
        Self { spec, processes: Vec::new(), lifetime, keeps_log: false, _leases: Vec::new() }
    }

    /// One that another command has started.
    pub(super) fn known(spec: Spec, processes: Vec<Identity>) -> Self {
        let processes = processes.into_iter().map(Process::known).collect();
        let mut server = Self::down(spec, Lifetime::UntilDown);
        server.processes = processes;
        server
    }

    /// Where an administrator reaches it, as an URL with the password, where there is one.
    #[must_use]
    pub fn url(&self) -> Secret {
        Secret::new(self.spec.address().in_clear())
    }

    /// Its port on loopback; it stays the same over restarts.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.spec.port
    }

    /// Which engine it is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.spec.engine()
    }

    /// The file that it logs to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.spec.log()
    }

    /// Its main process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.processes.last().map(|process| process.identity.pid)
    }

    /// Starts it where it is down, on the data that it had, and waits until it answers.
    ///
    /// # Errors
    /// It ends, or does not answer in time; the message ends with what it wrote.
    pub async fn start(&mut self) -> Result<()> {
        if self.lives() {
            return Ok(());
        }
        self.clear_away().await;
        let started = self.spawn_and_wait().await;
        if let Err(error) = started {
            self.clear_away().await;
            self.keep_log();
            let (name, log) = (self.engine().name(), self.log());
            let tail = tail(&log);
            return Err(error
                .context(format!("{name} did not start; {} ends with:\n{tail}\n", log.display())));
        }
        Ok(())
    }

    /// Stops it in order, with everything written; it may be started again.
    ///
    /// # Errors
    /// It had to be killed after 30 s.
    pub async fn stop(&mut self) -> Result<()> {
        let (name, signal) = (self.engine().name(), self.spec.stop_signal());
        let Some(main) = self.processes.last_mut() else { return Ok(()) };
        // A frozen one would not hear.
        main.resume();
        let ended = main.end(signal, PATIENCE_WITH_STOPPING).await;
        self.clear_away().await;
        if !ended {
            bail!(
                "{name} did not stop within {} s and was killed",
                PATIENCE_WITH_STOPPING.as_secs()
            );
        }
        Ok(())
    }

    /// Ends it at once with all of its processes, as a lost machine would; it may be started again.
    pub async fn kill(&mut self) {
        self.clear_away().await;
    }

    /// Stops it in order and starts it again on the same ports and data.
    ///
    /// # Errors
    /// As for [`Self::stop`] and [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Freezes all of its processes, as a stalled machine would.
    ///
    /// # Errors
    /// It does not run.
    pub fn suspend(&self) -> Result<()> {
        self.signalled(Process::suspend)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.signalled(Process::resume)
    }

    fn signalled(&self, signal: impl Fn(&Process) -> bool) -> Result<()> {
        if !self.processes.last().is_some_and(signal) {
            bail!("{} does not run", self.engine().name());
        }
        Ok(())
    }

    pub(super) fn lives(&mut self) -> bool {
        self.processes.last_mut().is_some_and(Process::lives)
    }

    /// Keeps the log when the rest is removed.
    pub const fn keep_log(&mut self) {
        self.keeps_log = true;
    }

    /// Lets it live on when this command ends.
    pub(super) fn release(mut self) {
        self.processes.drain(..).for_each(Process::release);
    }

    pub(super) const fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn identities(&self) -> Vec<Identity> {
        self.processes.iter().map(|process| process.identity.clone()).collect()
    }

    async fn spawn_and_wait(&mut self) -> Result<()> {
        self.spec.prepare().await?;
        let log = self.log();
        let mut output = File::options();
        let output = output.create(true).append(true).open(&log);
        let output = output.with_context(|| format!("opening {}", log.display()))?;
        for mut part in self.spec.parts()? {
            part.command
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output.try_clone()?);
            let mut process = Process::start(&mut part.command)?;
            let data = (part.is_main && self.lifetime == Lifetime::Value).then(|| self.spec.data());
            let guard = Guard::over(&process.identity, self.spec.farewell(), data.as_deref());
            process.guard(guard?);
            self.processes.push(process);
        }
        let (begun, patience) = (Instant::now(), self.spec.patience());
        loop {
            let asked = probe::ask(self.engine(), &self.spec.address()).await;
            if !self.lives() {
                bail!("it ended");
            }
            match asked {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > patience => {
                    return Err(error.context(format!("no answer after {} s", patience.as_secs())));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Ends what still runs, the main process first.
    async fn clear_away(&mut self) {
        while let Some(mut process) = self.processes.pop() {
            process.kill().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        while let Some(mut process) = self.processes.pop() {
            // What another command has started, or was released, is not ours to end.
            if process.is_guarded() {
                process.kill_now();
            }
        }
        if self.lifetime == Lifetime::Value {
            let keeps_log = self.keeps_log || std::thread::panicking();
            let folder = if keeps_log { self.spec.data() } else { self.spec.folder.clone() };
            // What cannot be removed is below `target`.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

pub(super) fn postgres_recipe(durability: Durability) -> Result<Recipe> {
    let password = match durability {
        Durability::Real => Some(secrets::password()?),
        Durability::Fast => None,
    };
    Ok(Recipe::Postgres { durability, password })
}

pub(super) fn pgbouncer_recipe(postgres: &Spec) -> Result<Recipe> {
    let Recipe::Postgres { password, .. } = &postgres.recipe else {
        bail!("PgBouncer is for PostgreSQL, not for {}", postgres.engine().name());
    };
    Ok(Recipe::PgBouncer { postgres_port: postgres.port, password: password.clone() })
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
