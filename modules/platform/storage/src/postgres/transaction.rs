//! A transaction of our own: sea-orm's cannot be begun together with the tenant's setting, and
//! would cost a round trip more.

use std::sync::Arc;

use kernel::TenantId;
use sea_orm::{
    DbErr, ExecResult, QueryResult, Statement,
    sea_query::{Expr, Func},
};
use tokio::sync::Mutex;

use super::{
    lease::{Lease, ended},
    pool::failed,
    statement,
};

/// An open transaction, or a savepoint in one.
#[derive(Debug)]
pub(crate) struct PostgresTransaction {
    /// Rolled back and given back with the last who has it, unless it was ended before.
    lease: Arc<Mutex<Option<Lease>>>,
    app_role: String,
    depth: Depth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Transaction,
    /// There is one at a time, so that one name does.
    Savepoint,
}

impl PostgresTransaction {
    /// Around a connection on which a transaction has begun.
    pub(super) fn new(lease: Lease, app_role: String) -> Self {
        let lease = Arc::new(Mutex::new(Some(lease)));
        Self { lease, app_role, depth: Depth::Transaction }
    }

    pub(crate) async fn savepoint(&self) -> Result<Self, DbErr> {
        self.send("SAVEPOINT effect").await?;
        let lease = Arc::clone(&self.lease);
        Ok(Self { lease, app_role: self.app_role.clone(), depth: Depth::Savepoint })
    }

    /// Goes on as the application's role, for `tenant`. There is no way back but the end of the
    /// transaction.
    pub(crate) async fn narrow_to(&self, tenant: TenantId) -> Result<(), DbErr> {
        let narrow = format!("SET LOCAL ROLE \"{}\"; {}", self.app_role, statement::set(tenant));
        self.send(&narrow).await
    }

    /// What does the same where a statement returns it.
    pub(crate) fn narrowing(&self, tenant: TenantId) -> Vec<Expr> {
        let set = |setting: &str, to: String| {
            let set_config = Func::cust("set_config").arg(setting).arg(to).arg(true);
            Expr::from(set_config)
        };
        vec![set("role", self.app_role.clone()), set(super::TENANT_SETTING, tenant.0.to_string())]
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self.depth {
            Depth::Savepoint => self.send("RELEASE SAVEPOINT effect").await,
            Depth::Transaction => self.take().await?.commit().await.map_err(failed),
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        match self.depth {
            Depth::Savepoint => self.send("ROLLBACK TO SAVEPOINT effect").await,
            Depth::Transaction => self.take().await?.roll_back().await.map_err(failed),
        }
    }

    pub(crate) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let mut lease = self.lease.lock().await;
        let lease = lease.as_mut().ok_or_else(ended)?;
        lease.execute(statement).await.map(ExecResult::from).map_err(failed)
    }

    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut lease = self.lease.lock().await;
        let lease = lease.as_mut().ok_or_else(ended)?;
        lease.query(statement).await.map_err(failed)
    }

    async fn send(&self, sql: &str) -> Result<(), DbErr> {
        let mut lease = self.lease.lock().await;
        let lease = lease.as_mut().ok_or_else(ended)?;
        lease.send(sql).await.map_err(failed)
    }

    async fn take(&self) -> Result<Lease, DbErr> {
        self.lease.lock().await.take().ok_or_else(ended)
    }
}
