//! The connection, and how long it is waited for.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use kernel::Secret;
use redis::{
    Client, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{runtime::Handle, time::timeout};

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `redis://` or, with TLS, `rediss://`, then `user:password@host:port/database`.
    pub url: Secret,
    /// What every key begins with, so that several installations can share a server.
    pub prefix: String,
    /// How long a question may take, the connection included.
    pub patience: Duration,
}

impl RedisConfig {
    /// Keys begin with `ashlar`, and a question may take 50 ms: long within one data centre, short
    /// beside the time of a request.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self { url, prefix: "ashlar".to_owned(), patience: Duration::from_millis(50) }
    }
}

/// The address of Redis cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the URL of Redis is not one such as redis://127.0.0.1:6379 or rediss://user:password@host"
)]
pub struct RedisConfigError;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum RedisFailure {
    /// Redis cannot be reached, broke the connection, or refused the command.
    #[error("Redis did not do it")]
    Failed(#[source] RedisError),
    /// There was no answer in time.
    #[error("Redis gave no answer within {0:?}")]
    Late(Duration),
    /// The program is stopping.
    #[error("the question was cut off")]
    CutOff(#[source] tokio::task::JoinError),
}

/// One Redis, for all that is kept there. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Link>);

struct Link {
    client: Client,
    config: RedisConfig,
    runtime: Handle,
    connection: Mutex<Connection>,
}

/// A connection that broke or went quiet is replaced by another, of the next number.
#[derive(Default)]
struct Connection {
    number: u64,
    manager: Option<ConnectionManager>,
}

impl Redis {
    /// Connects with the first question, so Redis need not be there yet. Connections live on
    /// `runtime`, the program's main one: a web worker's own runtime would take them along when it
    /// ends.
    ///
    /// # Errors
    /// A URL that cannot be read.
    pub fn new(config: RedisConfig, runtime: Handle) -> Result<Self, RedisConfigError> {
        // What the library says of a URL may quote it, and with it the password.
        let client = Client::open(config.url.expose()).map_err(|_| RedisConfigError)?;
        let connection = Mutex::default();
        Ok(Self(Arc::new(Link { client, config, runtime, connection })))
    }

    pub(crate) fn key(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.0.config.prefix)
    }

    /// Asks Redis once.
    pub(crate) async fn ask<T, W>(&self, work: W) -> Result<T, RedisFailure>
    where
        T: Send + 'static,
        W: FnOnce(ConnectionManager) -> BoxFuture<'static, RedisResult<T>> + Send + 'static,
    {
        let link = Arc::clone(&self.0);
        let asking = self.0.runtime.spawn(async move { link.ask(work).await });
        asking.await.map_err(RedisFailure::CutOff)?
    }
}

impl Link {
    async fn ask<T, W>(&self, work: W) -> Result<T, RedisFailure>
    where
        W: FnOnce(ConnectionManager) -> BoxFuture<'static, RedisResult<T>>,
    {
        let (number, manager) = self.connection().map_err(RedisFailure::Failed)?;
        let patience = self.config.patience;
        match timeout(patience, work(manager)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if error.is_io_error() || error.is_unrecoverable_error() {
                    self.discard(number);
                }
                Err(RedisFailure::Failed(error))
            }
            // A server that vanished without a word would keep a connection waiting for a quarter
            // of an hour, however long another one is already in its place.
            Err(_) => {
                self.discard(number);
                Err(RedisFailure::Late(patience))
            }
        }
    }

    /// Runs on the main runtime, where the manager starts its tasks.
    fn connection(&self) -> RedisResult<(u64, ConnectionManager)> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &connection.manager {
            return Ok((connection.number, manager.clone()));
        }
        let config = ConnectionManagerConfig::new()
            // Whoever asks next tries again; in between nobody waits.
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.config.patience))
            // Each question has its own.
            .set_response_timeout(None);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        connection.manager = Some(manager.clone());
        Ok((connection.number, manager))
    }

    /// Of all who lost the same connection, the first one lets go of it.
    fn discard(&self, number: u64) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number {
            *connection = Connection { number: number + 1, manager: None };
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("config", &self.0.config).finish_non_exhaustive()
    }
}
