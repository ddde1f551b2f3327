//! What the programs stand on: files, or engines of the campaign's own.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::future;
use kernel::Secret;
use lapin::{
    Connection, ConnectionProperties, ErrorKind, options::QueueDeclareOptions,
    protocol::AMQPSoftError, types::FieldTable,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sea_orm::{ConnectionTrait as _, Database};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep},
};
use xtask::{
    services::{Durability, Server},
    shapes::{Engine, RealEngines},
};

use super::MODULES;

/// The database, and what names in the broker begin with.
const NAME: &str = "chaos";

/// What the programs stand on.
#[derive(Debug)]
pub enum Ground {
    /// Files, and events straight from program to program.
    Embedded,
    /// PostgreSQL and RabbitMQ.
    Real(Box<Engines>),
}

/// Private engines, which nobody else uses.
#[derive(Debug)]
pub struct Engines {
    postgres: Mutex<Server>,
    rabbitmq: Mutex<Server>,
    database: Secret,
    broker: Secret,
}

impl Ground {
    /// Starts engines, with everything written to the disk as in production.
    ///
    /// # Errors
    /// One is not installed or does not start.
    pub async fn real() -> Result<Self> {
        let (postgres, rabbitmq) =
            future::try_join(Server::postgres(Durability::Real), Server::rabbitmq()).await?;
        let server = postgres.url();
        let connection = Database::connect(server.expose()).await;
        let connection = connection.context("reaching the campaign's PostgreSQL")?;
        connection.execute_unprepared(&format!("CREATE DATABASE {NAME}")).await?;
        connection.close().await?;
        let database = in_database(&server);
        let broker = rabbitmq.url();
        let (postgres, rabbitmq) = (Mutex::new(postgres), Mutex::new(rabbitmq));
        Ok(Self::Real(Box::new(Engines { postgres, rabbitmq, database, broker })))
    }

    /// The engines, where there are any.
    #[must_use]
    pub const fn engines(&self) -> Option<&Engines> {
        match self {
            Self::Embedded => None,
            Self::Real(engines) => Some(engines),
        }
    }

    /// How many processes of each program there are: a file has one owner.
    pub(super) const fn replicas(&self) -> usize {
        match self {
            Self::Embedded => 1,
            Self::Real(_) => 2,
        }
    }

    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Embedded => Engine::Embedded,
            Self::Real(engines) => Engine::Real(RealEngines {
                postgres: engines.database.clone(),
                rabbitmq: Some(engines.broker.clone()),
                redis: None,
                prefix: NAME.to_owned(),
            }),
        }
    }
}

/// How a database is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Transactions are rolled back and everything is written down (SIGINT).
    Fast,
    /// All processes end where they stand; the next start recovers (SIGQUIT).
    Immediate,
    /// `kill -9` of all processes.
    Kill,
}

impl Engines {
    /// PostgreSQL, which nobody else does anything to meanwhile.
    pub async fn postgres(&self) -> MutexGuard<'_, Server> {
        self.postgres.lock().await
    }

    /// RabbitMQ.
    pub async fn rabbitmq(&self) -> MutexGuard<'_, Server> {
        self.rabbitmq.lock().await
    }

    /// The URL of the database, as its administrator, for reading what is in it.
    #[must_use]
    pub const fn database(&self) -> &Secret {
        &self.database
    }

    /// How many messages wait in the inboxes of all modules, and how many lie in their dead-letter
    /// queues.
    ///
    /// # Errors
    /// The broker does not tell.
    pub async fn messages(&self) -> Result<Messages> {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(self.broker.expose(), properties).await?;
        let mut messages = Messages::default();
        for module in MODULES {
            messages.waiting += count(&connection, &format!("{NAME}.{module}.inbox")).await?;
            messages.dead += count(&connection, &format!("{NAME}.{module}.dead")).await?;
        }
        // Everything has been asked by then.
        drop(connection.close(200, "done".into()).await);
        Ok(messages)
    }
}

/// What lies in the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// To be taken.
    pub waiting: u32,
    /// Set aside.
    pub dead: u32,
}

/// How many messages lie in `queue`: none, where a module hears of nothing and has no queue.
async fn count(connection: &Connection, queue: &str) -> Result<u32> {
    // The broker ends a channel on which something is asked for that is not there.
    let channel = connection.create_channel().await?;
    let passively = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(queue.into(), passively, FieldTable::default()).await {
        Ok(declared) => Ok(declared.message_count()),
        Err(error) if is_missing(&error) => Ok(0),
        Err(error) => Err(error).with_context(|| format!("asking for {queue}")),
    }
}

fn is_missing(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else { return false };
    error.get_id() == AMQPSoftError::NOTFOUND.get_id()
}

/// Stops a database in one of three ways, and starts it again after `outage`.
///
/// # Errors
/// It does not end, or does not start again.
pub async fn restart(server: &mut Server, stop: Stop, outage: Duration) -> Result<()> {
    match stop {
        Stop::Fast => server.stop().await?,
        Stop::Kill => server.kill().await,
        Stop::Immediate => {
            let pid = server.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            let pid = pid.context("PostgreSQL does not run")?;
            kill_process(pid, Signal::QUIT)?;
            ended(pid).await?;
        }
    }
    sleep(outage).await;
    server.start().await
}

/// Waits for a process of which somebody else takes leave.
async fn ended(pid: Pid) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(30);

    let begun = Instant::now();
    while test_kill_process(pid).is_ok() && !is_zombie(pid) {
        if begun.elapsed() > PATIENCE {
            bail!("PostgreSQL did not end within {} s", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Whether it has ended and nobody has taken leave of it yet.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

/// `url` with the campaign's database.
fn in_database(url: &Secret) -> Secret {
    let (address, options) = url.expose().split_once('?').unwrap_or((url.expose(), ""));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    let options = if options.is_empty() { String::new() } else { format!("?{options}") };
    Secret::new(format!("{server}/{NAME}{options}"))
}
