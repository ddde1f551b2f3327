//! A connection in use, and what is to be done with it afterwards.

use std::{fmt, io};

use sea_orm::{
    DbErr, QueryResult, Statement,
    sqlx::{
        AssertSqlSafe, Connection as _, Error, Executor as _, PgConnection,
        postgres::PgQueryResult, raw_sql,
    },
};
use tokio::time::timeout;

use super::{
    errors::{is_lost, is_stale},
    pool::{Leased, Naming, Pool, STATEMENT_TIME},
    statement,
};

/// A connection out of the pool. Where it is dropped, it goes back as it should be: whatever was
/// cut off on it is ended first, in the background, and a connection on which that cannot be done
/// is closed.
pub(super) struct Lease {
    /// Gone only while this is dropped.
    leased: Option<Leased>,
    pool: Pool,
    state: State,
}

/// How a connection is left where the work on it ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of any transaction, with nothing under way.
    Clean,
    /// Outside of any transaction; an answer may be to come.
    Answering,
    /// Perhaps inside a transaction.
    InTransaction,
    /// Not to be used again.
    Lost,
}

impl Lease {
    pub(super) const fn new(pool: Pool, leased: Leased) -> Self {
        Self { leased: Some(leased), pool, state: State::Clean }
    }

    /// Runs a statement that is a transaction of its own. Where a pooler gives each transaction to
    /// another connection the transaction is said, or the statement would be prepared on one and
    /// run on the next.
    pub(super) async fn read(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, Error> {
        if self.pool.naming() == Naming::Unnamed {
            self.begin("BEGIN").await?;
            let rows = self.query(statement).await?;
            self.send("COMMIT").await?;
            self.state = State::Clean;
            return Ok(rows);
        }
        self.state = State::Answering;
        let naming = self.pool.naming();
        let asking = bounded(statement::query(self.connection()?, statement, naming));
        let rows = asking.await.map_err(|error| self.noted(error))?;
        self.state = State::Clean;
        Ok(rows)
    }

    /// Starts a transaction, with text that may do more than that.
    pub(super) async fn begin(&mut self, begin: &str) -> Result<(), Error> {
        self.state = State::InTransaction;
        self.send(begin).await
    }

    /// Sends statements of a transaction as text, all in one message.
    pub(super) async fn send(&mut self, sql: &str) -> Result<(), Error> {
        let sending = bounded(send(self.connection()?, sql));
        sending.await.map_err(|error| self.noted(error))
    }

    /// Runs a statement of a transaction.
    pub(super) async fn execute(&mut self, statement: &Statement) -> Result<PgQueryResult, Error> {
        let naming = self.pool.naming();
        let executing = bounded(statement::execute(self.connection()?, statement, naming));
        executing.await.map_err(|error| self.noted(error))
    }

    /// Runs a statement of a transaction that has rows.
    pub(super) async fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, Error> {
        let naming = self.pool.naming();
        let asking = bounded(statement::query(self.connection()?, statement, naming));
        asking.await.map_err(|error| self.noted(error))
    }

    /// Commits. The empty select goes ahead in the same message: in a transaction that the server
    /// has given up it is refused, whereas a bare COMMIT would roll back there and report success.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let committed = self.send("SELECT; COMMIT").await;
        self.state = if committed.is_ok() { State::Clean } else { State::Lost };
        committed
    }

    /// Rolls back.
    pub(super) async fn roll_back(mut self) -> Result<(), Error> {
        self.send("ROLLBACK").await?;
        self.state = State::Clean;
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        let leased = self.leased.as_mut().filter(|_| self.state != State::Lost);
        leased.map(|leased| &mut leased.connection).ok_or(Error::WorkerCrashed)
    }

    /// Remembers what a failure says of the connection.
    fn noted(&mut self, error: Error) -> Error {
        if is_lost(&error) || is_stale(&error) {
            self.state = State::Lost;
        }
        error
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut leased) = self.leased.take() else { return };
        let state = self.state;
        match state {
            State::Clean => self.pool.take_back(leased),
            // Its socket is closed, which undoes what was begun.
            State::Lost => drop(leased),
            State::Answering | State::InTransaction => {
                let pool = self.pool.clone();
                self.pool.runtime().spawn(async move {
                    let connection = &mut leased.connection;
                    let tidied = match state {
                        State::InTransaction => bounded(send(connection, "ROLLBACK")).await,
                        _ => bounded(connection.ping()).await,
                    };
                    if tidied.is_ok() {
                        pool.take_back(leased);
                    }
                });
            }
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("state", &self.state).finish_non_exhaustive()
    }
}

async fn send(connection: &mut PgConnection, sql: &str) -> Result<(), Error> {
    connection.execute(raw_sql(AssertSqlSafe(sql))).await.map(drop)
}

/// Waits for the server, though not for ever.
async fn bounded<T>(exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match timeout(STATEMENT_TIME, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let message = format!("no answer from the database in {} s", STATEMENT_TIME.as_secs());
            Err(Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)))
        }
    }
}

/// The failure of what comes after the end of a transaction.
pub(super) fn ended() -> DbErr {
    super::pool::failed(Error::WorkerCrashed)
}

#[cfg(test)]
mod tests;
