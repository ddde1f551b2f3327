//! Connections of one role.

use std::{pin::pin, str::FromStr, time::Duration};

use sea_orm::{
    ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Statement,
    sqlx::{
        AssertSqlSafe, Connection as _, Error, Executor as _, PgConnection, Postgres,
        pool::{PoolConnection, PoolOptions},
        postgres::{PgConnectOptions, PgPool},
        raw_sql,
    },
};
use tokio::runtime::Handle;

use super::{config::Pooler, config::PostgresConfig, errors::is_lost, roles::Login, statement};
use crate::StoreError;

/// A connection that nobody used for this long is asked whether it still stands before it is used:
/// the database may have been restarted meanwhile. Busy ones are not: it would cost a round trip.
const QUESTIONABLE: Duration = Duration::from_secs(5);

/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(600);

/// The connections of one role.
pub(super) struct Pool {
    pool: PgPool,
    runtime: Handle,
    naming: Naming,
    most: u32,
}

/// Whether the server keeps a statement under a name, to be planned once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Named,
    Unnamed,
}

impl Pool {
    pub(super) fn new(
        module: &'static str,
        config: &PostgresConfig,
        login: Login,
        runtime: Handle,
    ) -> Result<Self, StoreError> {
        let (role, password, most) = match login {
            Login::App => (super::roles::app(module), &config.app_password, config.connections),
            Login::System => {
                let most = config.system_connections;
                (super::roles::system(module), &config.system_password, most)
            }
        };
        let mut options = PgConnectOptions::from_str(&config.url)
            .map_err(|error| StoreError::Configuration { module, source: failed(error) })?
            .username(&role)
            .application_name(&format!("ashlar {module}"));
        if let Some(password) = password {
            options = options.password(password.expose());
        }
        let naming = match config.pooler {
            Pooler::None => Naming::Named,
            Pooler::Transaction => Naming::Unnamed,
        };
        if naming == Naming::Unnamed {
            options = options.statement_cache_capacity(0);
        }
        let most = most.max(1);
        let pool = PoolOptions::<Postgres>::new()
            .max_connections(most)
            .acquire_timeout(config.acquire_time)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move {
                    if used.idle_for > QUESTIONABLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, runtime, naming, most })
    }

    /// Runs one statement that is a transaction of its own. Where its connection turns out to be
    /// gone, it goes over another: a read may be repeated.
    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut tries_left = self.most;
        loop {
            let mut lease = self.lease().await?;
            let connection = lease.connection()?;
            match statement::query(connection, &statement, self.naming).await {
                // Where as many as there can be were gone, the next one is new.
                Err(error) if is_lost(&error) && tries_left > 0 => lease.discard(),
                outcome => return outcome.map_err(failed),
            }
            tries_left -= 1;
        }
    }

    /// Starts a transaction with `begin`; over another connection where the first turns out to be
    /// gone, as nothing was done yet.
    pub(super) async fn begin(&self, begin: &str) -> Result<Lease, DbErr> {
        let mut tries_left = self.most;
        loop {
            let mut lease = self.lease().await?;
            match lease.begin(begin).await {
                Ok(()) => return Ok(lease),
                Err(error) if is_lost(&error) && tries_left > 0 => tries_left -= 1,
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// A connection, for as long as the lease is held.
    pub(super) async fn lease(&self) -> Result<Lease, DbErr> {
        let mut acquiring = pin!(self.pool.acquire());
        let acquired = std::future::poll_fn(|cx| {
            // A new connection is registered with the runtime that is entered here.
            let _entered = self.runtime.enter();
            acquiring.as_mut().poll(cx)
        });
        let connection = acquired.await.map_err(|error| match error {
            Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
        let runtime = self.runtime.clone();
        Ok(Lease { connection: Some(connection), runtime, naming: self.naming, is_open: false })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection out of the pool; it goes back where this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    runtime: Handle,
    naming: Naming,
    /// Whether a transaction may be open on it. Such a connection never goes back: the next one to
    /// have it would work in a foreign transaction, and for a foreign tenant.
    is_open: bool,
}

impl Lease {
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, DbErr> {
        let connection = self.connection.as_deref_mut();
        connection.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    pub(super) const fn naming(&self) -> Naming {
        self.naming
    }

    /// Starts a transaction. From here on the connection is closed rather than given back, also
    /// where this is cut off half-way, until [`Lease::end`] has brought an answer.
    async fn begin(&mut self, begin: &str) -> Result<(), Error> {
        self.is_open = true;
        self.send(begin).await
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`.
    pub(super) async fn end(&mut self, how: &str) -> Result<(), Error> {
        self.send(how).await?;
        self.is_open = false;
        Ok(())
    }

    /// Sends statements as text, all in one message.
    pub(super) async fn send(&mut self, sql: &str) -> Result<(), Error> {
        let Some(connection) = self.connection.as_deref_mut() else {
            return Err(Error::PoolClosed);
        };
        connection.execute(raw_sql(AssertSqlSafe(sql))).await.map(drop)
    }

    /// Closes the connection rather than giving it back.
    pub(super) fn discard(mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _entered = self.runtime.enter();
            connection.close_on_drop();
        }
    }

    /// Ends the transaction in the background, then gives the connection back; closes it where
    /// that cannot be done.
    pub(super) fn roll_back_later(mut self) {
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            // Where it fails, the connection is closed, which undoes as much.
            let _ = self.end("ROLLBACK").await;
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Giving back and closing are tasks, which need a runtime that lives.
        let _entered = self.runtime.enter();
        if let Some(mut connection) = self.connection.take()
            && self.is_open
        {
            connection.close_on_drop();
        }
    }
}

/// The failure of a statement as the rest of the store knows it.
pub(super) fn failed(error: Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}
