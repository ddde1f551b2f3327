//! The session that changes a schema: as its owner, and one at a time.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{
    DatabaseConnection, DbErr,
    sqlx::{AssertSqlSafe, Error, Executor as _, Postgres, pool::PoolOptions, raw_sql},
};

use super::{
    super::{
        errors::{LOCK_NOT_AVAILABLE, has_code},
        pool::failed,
        roles,
    },
    PostgresSchema,
};
use crate::StoreError;

/// How many times as long as for a lock another migration of the same schema is waited for, behind
/// which nobody else waits.
const FOR_ANOTHER: u32 = 6;

impl PostgresSchema {
    /// Becomes the owner, with the schema's lock.
    pub(super) async fn owner(&self) -> Result<DatabaseConnection, StoreError> {
        let for_another = FOR_ANOTHER * self.patience;
        let become_owner = format!(
            "SET lock_timeout = '{}ms'; \
             SELECT pg_advisory_lock(hashtextextended('ashlar migrate {module}', 0)); \
             SET lock_timeout = '{}ms'; \
             SET ROLE \"{owner}\"; SET search_path = \"{module}\"",
            for_another.as_millis(),
            self.patience.as_millis(),
            module = self.module,
            owner = roles::owner(self.module)
        );
        // The pool tells of what went wrong here only in its log, and goes on trying.
        let refused = Arc::new(Mutex::new(None));
        let refusal = Arc::clone(&refused);
        // On each new connection, should the first be lost: a statement that ran as the admin
        // would make tables that belong to nobody's schema.
        let connection = PoolOptions::<Postgres>::new()
            .max_connections(1)
            .acquire_timeout(for_another + self.patience)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| {
                let become_owner = become_owner.clone();
                let refusal = Arc::clone(&refusal);
                Box::pin(async move {
                    let became = connection.execute(raw_sql(AssertSqlSafe(become_owner))).await;
                    became.map(drop).map_err(|error| {
                        *refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        Error::PoolTimedOut
                    })
                })
            })
            .connect_with(self.options.clone())
            .await;
        match connection {
            Ok(connection) => Ok(connection.into()),
            Err(error) => {
                let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(self.stopped(failed(refused.unwrap_or(error))).await)
            }
        }
    }

    /// Why a migration stopped, and who is in its way where that is why.
    pub(super) async fn stopped(&self, source: DbErr) -> StoreError {
        if !has_code(&source, &[LOCK_NOT_AVAILABLE]) {
            return self.failed(source);
        }
        let module = self.module;
        let holders = format!(
            "SELECT format('%s is locked by session %s (%s, since %s)', held.relname, lock.pid, \
             COALESCE(NULLIF(session.application_name, ''), session.usename, 'unnamed'), \
             session.xact_start) AS holder \
             FROM pg_locks AS lock JOIN pg_class AS held ON held.oid = lock.relation \
             JOIN pg_stat_activity AS session ON session.pid = lock.pid \
             WHERE lock.granted AND lock.database = \
             (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND held.relnamespace = to_regnamespace('\"{module}\"') AND held.relkind = 'r' \
             AND session.application_name <> 'ashlar migrate {module}' \
             UNION ALL SELECT format('session %s migrates the schema (since %s)', pid, backend_start) \
             FROM pg_stat_activity JOIN pg_locks AS lock USING (pid) \
             WHERE application_name = 'ashlar migrate {module}' AND locktype = 'advisory' \
             AND granted AND datname = current_database() ORDER BY 1 LIMIT 3"
        );
        let holders = self.ask(&holders).await.unwrap_or_default();
        let holders: Vec<String> =
            holders.iter().filter_map(|row| row.try_get("", "holder").ok()).collect();
        let by = if holders.is_empty() { "by now it is free".into() } else { holders.join(", ") };
        StoreError::Blocked { module, by, source }
    }
}
