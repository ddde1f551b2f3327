//! A transaction of our own: sea-orm's cannot be begun together with the tenant's setting, and
//! would cost a round trip more.

use std::sync::Arc;

use kernel::TenantId;
use sea_orm::{ConnAcquireErr, DbErr, ExecResult, QueryResult, Statement, sqlx::Error};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    pool::{Lease, failed},
    statement,
};

/// An open transaction, or a savepoint in one.
#[derive(Debug)]
pub(crate) struct PostgresTransaction {
    held: Arc<Held>,
    app_role: String,
    depth: Depth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Transaction,
    /// There is one at a time, so that one name does.
    Savepoint,
}

/// The connection; rolled back and given back with the last who has it.
#[derive(Debug)]
struct Held(Mutex<Option<Lease>>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lease) = self.0.get_mut().take() {
            lease.roll_back_later();
        }
    }
}

impl PostgresTransaction {
    /// Around a connection on which a transaction has begun.
    pub(super) fn new(lease: Lease, app_role: String) -> Self {
        let held = Arc::new(Held(Mutex::new(Some(lease))));
        Self { held, app_role, depth: Depth::Transaction }
    }

    pub(crate) async fn savepoint(&self) -> Result<Self, DbErr> {
        self.send("SAVEPOINT effect").await.map_err(failed)?;
        let held = Arc::clone(&self.held);
        Ok(Self { held, app_role: self.app_role.clone(), depth: Depth::Savepoint })
    }

    /// Goes on as the application's role, for `tenant`. There is no way back but the end of the
    /// transaction.
    pub(crate) async fn narrow_to(&self, tenant: TenantId) -> Result<(), DbErr> {
        let narrow = format!("SET LOCAL ROLE \"{}\"; {}", self.app_role, statement::set(tenant));
        self.send(&narrow).await.map_err(failed)
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self.depth {
            Depth::Savepoint => self.send("RELEASE SAVEPOINT effect").await.map_err(failed),
            Depth::Transaction => {
                // Taken out first: whether a commit that was cut off has happened is not known, and
                // a rollback after it would say nothing.
                let mut lease = self.take().await?;
                lease.end("COMMIT").await.map_err(failed)
            }
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        match self.depth {
            Depth::Savepoint => self.send("ROLLBACK TO SAVEPOINT effect").await.map_err(failed),
            Depth::Transaction => self.send("ROLLBACK").await.map_err(failed),
        }
    }

    pub(crate) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let mut held = self.held.0.lock().await;
        let lease = leased(&mut held)?;
        let naming = lease.naming();
        let done = statement::execute(lease.connection()?, statement, naming).await;
        done.map(ExecResult::from).map_err(failed)
    }

    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut held = self.held.0.lock().await;
        let lease = leased(&mut held)?;
        let naming = lease.naming();
        statement::query(lease.connection()?, statement, naming).await.map_err(failed)
    }

    async fn send(&self, sql: &str) -> Result<(), Error> {
        let mut held = self.held.0.lock().await;
        match held.as_mut() {
            Some(lease) => lease.send(sql).await,
            None => Err(Error::PoolClosed),
        }
    }

    async fn take(&self) -> Result<Lease, DbErr> {
        let lease = self.held.0.lock().await.take();
        lease.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }
}

fn leased<'a>(held: &'a mut MutexGuard<'_, Option<Lease>>) -> Result<&'a mut Lease, DbErr> {
    held.as_mut().ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
}
