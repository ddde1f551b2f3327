//! A module's schema and its roles, as whoever migrates them works on them.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::Secret;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement,
    sqlx::{
        AssertSqlSafe, ConnectOptions as _, Error, Executor as _, Postgres, pool::PoolOptions,
        postgres::PgConnectOptions, raw_sql,
    },
};
use sea_orm_migration::MigratorTrait;

use super::{
    errors::{LOCK_NOT_AVAILABLE, has_code, unreachable},
    pool::{Pool, failed},
    roles,
};
use crate::{Migrated, SchemaStatus, StoreError};

/// How long a migration waits for a lock that somebody else has: a migration that waited longer
/// would hold up everybody who comes after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many times as long it waits for another migration of the same schema, behind which nobody
/// else waits.
const FOR_ANOTHER: u32 = 6;

/// How often a change of a role is tried that another migration changed at the same moment: roles
/// belong to all databases of a server.
const ROLE_ATTEMPTS: u32 = 20;

/// What a schema's comment begins with whose data were moved to another database; the rest tells
/// an operator where to.
const MOVED: &str = "moved: ";

/// A module's schema, opened with the rights to change it.
pub struct PostgresSchema {
    module: &'static str,
    options: PgConnectOptions,
    /// One connection.
    admin: DatabaseConnection,
    passwords: Passwords,
    patience: Duration,
}

/// What the roles of a module log in with: printable ASCII.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// Of `<module>_app`; where it is absent, the role's password stays as it is.
    pub app: Option<Secret>,
    /// Of `<module>_system`; where it is absent, the role's password stays as it is.
    pub system: Option<Secret>,
}

impl PostgresSchema {
    /// Connects to `admin_url`, a login that may create roles, and schemas in its database. Nothing
    /// is changed yet.
    ///
    /// # Errors
    /// [`StoreError::Configuration`], [`StoreError::Unreachable`].
    pub async fn connect(
        admin_url: &Secret,
        module: &'static str,
        passwords: Passwords,
    ) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(admin_url.expose())
            .map_err(|error| StoreError::Configuration { module, source: failed(error) })?
            .application_name(&format!("ashlar migrate {module}"))
            // A slow statement would be logged with what it says of passwords.
            .disable_statement_logging();
        let admin = PoolOptions::<Postgres>::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(options.clone())
            .await
            .map_err(|error| unreachable(module, failed(error)))?;
        Ok(Self { module, options, admin: admin.into(), passwords, patience: PATIENCE })
    }

    /// Has migrations wait so long for a lock that somebody else has, rather than ten seconds, and
    /// six times as long for another migration of the schema.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Creates the schema and its three roles where they are not there, and applies what is
    /// pending, each migration in a transaction of its own. One at a time migrates a schema; who
    /// comes meanwhile waits.
    ///
    /// # Errors
    /// [`StoreError::Moved`]; [`StoreError::Blocked`] where a lock was not to be had in time;
    /// [`StoreError::Migration`], also where the login may not create roles. The migrations before
    /// the one that failed stay.
    pub async fn up<M: MigratorTrait>(&self) -> Result<Migrated, StoreError> {
        let made = self.create().await?;
        let owner = self.owner().await?;
        let applied = async {
            let before = self.status::<M>().await?;
            let migrated = match M::up(&owner, None).await {
                Ok(()) => {
                    // The programs look whether the schema fits them before they start.
                    let system = roles::system(self.module);
                    let grant = format!("GRANT SELECT ON \"seaql_migrations\" TO \"{system}\"");
                    owner.execute_unprepared(&grant).await.map(drop)
                }
                failed => failed,
            };
            match migrated {
                Ok(()) => Ok(Migrated { made, migrations: before.pending }),
                Err(source) => Err(self.stopped(source).await),
            }
        };
        let applied = applied.await;
        // With it goes the schema's lock.
        close(owner).await;
        applied
    }

    /// Takes back the last `steps` migrations.
    ///
    /// # Errors
    /// As [`PostgresSchema::up`].
    pub async fn down<M: MigratorTrait>(&self, steps: u32) -> Result<Migrated, StoreError> {
        if self.status::<M>().await?.applied.is_empty() {
            return Ok(Migrated::default());
        }
        let owner = self.owner().await?;
        let taken_back = async {
            let before = self.status::<M>().await?;
            if let Err(source) = M::down(&owner, Some(steps)).await {
                return Err(self.stopped(source).await);
            }
            let after = self.status::<M>().await?;
            Ok(Migrated { made: Vec::new(), migrations: before.taken_back(&after) })
        };
        let taken_back = taken_back.await;
        close(owner).await;
        taken_back
    }

    /// Which migrations the database has. Nothing is changed, also where there is no schema yet.
    ///
    /// # Errors
    /// [`StoreError::Moved`], [`StoreError::Migration`].
    pub async fn status<M: MigratorTrait>(&self) -> Result<SchemaStatus, StoreError> {
        let module = self.module;
        let comment = format!(
            "SELECT obj_description(to_regnamespace('\"{module}\"'), 'pg_namespace') AS comment"
        );
        let comment = self.ask(&comment).await?;
        refuse_moved(module, &comment).map_err(|source| self.failed(source))??;
        let is_there =
            format!("SELECT to_regclass('\"{module}\".seaql_migrations') IS NOT NULL AS it_is");
        let is_there = self.ask(&is_there).await?;
        let is_there = is_there.first().map_or(Ok(false), |row| row.try_get("", "it_is"));
        let applied = if is_there.map_err(|source| self.failed(source))? {
            let select =
                format!("SELECT version FROM \"{module}\".seaql_migrations ORDER BY version");
            names(&self.ask(&select).await?).map_err(|source| self.failed(source))?
        } else {
            Vec::new()
        };
        Ok(SchemaStatus::of::<M>(applied))
    }

    /// Ends the connection.
    pub async fn close(self) {
        close(self.admin).await;
    }

    /// Creates what is not there, and says what that was.
    async fn create(&self) -> Result<Vec<String>, StoreError> {
        let module = self.module;
        let of_module = [roles::owner(module), roles::app(module), roles::system(module)];
        let mut made = Vec::new();
        for role in &of_module {
            let known = format!("SELECT 1 FROM pg_roles WHERE rolname = '{role}'");
            if self.ask(&known).await?.is_empty() {
                made.push(format!("role {role}"));
            }
        }
        let known = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{module}'");
        if self.ask(&known).await?.is_empty() {
            made.push(format!("schema {module}"));
        }
        let [owner, app, system] = of_module;
        let script = roles::script(module, &self.passwords)
            .map_err(|error| self.failed(failed(Error::Configuration(error.into()))))?;
        let script = format!(
            "{script} CREATE SCHEMA IF NOT EXISTS \"{module}\" AUTHORIZATION \"{owner}\"; \
             GRANT USAGE ON SCHEMA \"{module}\" TO \"{app}\", \"{system}\""
        );
        let mut attempt = 1;
        loop {
            match self.admin.execute_unprepared(&script).await {
                // Another database of this server is being migrated: roles are shared by all.
                Err(error) if attempt < ROLE_ATTEMPTS && is_concurrent(&error) => {
                    tokio::time::sleep(attempt * Duration::from_millis(5)).await;
                    attempt += 1;
                }
                outcome => break outcome.map(|_| made).map_err(|source| self.failed(source)),
            }
        }
    }

    /// Becomes the owner, with the schema's lock.
    async fn owner(&self) -> Result<DatabaseConnection, StoreError> {
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
    async fn stopped(&self, source: DbErr) -> StoreError {
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

    async fn ask(&self, select: &str) -> Result<Vec<QueryResult>, StoreError> {
        let statement = Statement::from_string(DbBackend::Postgres, select);
        self.admin.query_all_raw(statement).await.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: DbErr) -> StoreError {
        StoreError::Migration { module: self.module, source }
    }
}

impl fmt::Debug for PostgresSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSchema").field("module", &self.module).finish_non_exhaustive()
    }
}

/// Refuses a schema that lacks what this build needs, or whose data are elsewhere. One that a
/// newer build has migrated is taken: migrations are safe under a running older version, which may
/// also be started anew.
pub(super) async fn check<M: MigratorTrait>(
    module: &'static str,
    system: &Pool,
) -> Result<(), StoreError> {
    let ask = async |select: &str| {
        system.read(&Statement::from_string(DbBackend::Postgres, select)).await
    };
    let comment =
        "SELECT obj_description(to_regnamespace(current_schema()), 'pg_namespace') AS comment";
    let comment = ask(comment).await.map_err(|error| unreachable(module, error))?;
    refuse_moved(module, &comment).map_err(|source| StoreError::Database { module, source })??;

    let applied = match ask("SELECT version FROM seaql_migrations ORDER BY version").await {
        Ok(rows) => names(&rows).map_err(|source| StoreError::Database { module, source })?,
        // No such schema or table, or no right to read it: nothing was migrated here.
        Err(error) if has_code(&error, &[UNDEFINED_TABLE, INSUFFICIENT_PRIVILEGE]) => Vec::new(),
        Err(error) => return Err(unreachable(module, error)),
    };
    let status = SchemaStatus::of::<M>(applied);
    if !status.pending.is_empty() {
        return Err(StoreError::Behind { module, pending: status.pending.join(", ") });
    }
    if !status.unknown.is_empty() {
        tracing::warn!(service.name = module, "a newer build has migrated the schema");
    }
    Ok(())
}

const UNDEFINED_TABLE: &str = "42P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const DUPLICATE_OBJECT: &str = "42710";
const DUPLICATE_SCHEMA: &str = "42P06";
const UNIQUE_VIOLATION: &str = "23505";
/// "tuple concurrently updated" has no code of its own.
const INTERNAL_ERROR: &str = "XX000";

fn is_concurrent(error: &DbErr) -> bool {
    has_code(error, &[DUPLICATE_OBJECT, DUPLICATE_SCHEMA, UNIQUE_VIOLATION, INTERNAL_ERROR])
}

fn refuse_moved(
    module: &'static str,
    comment: &[QueryResult],
) -> Result<Result<(), StoreError>, DbErr> {
    let comment = comment.first().map_or(Ok(None), |row| row.try_get("", "comment"))?;
    let comment: Option<String> = comment;
    let notice = comment.as_deref().and_then(|comment| comment.strip_prefix(MOVED));
    Ok(match notice {
        Some(notice) => Err(StoreError::Moved { module, notice: notice.to_owned() }),
        None => Ok(()),
    })
}

fn names(rows: &[QueryResult]) -> Result<Vec<String>, DbErr> {
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

async fn close(connection: DatabaseConnection) {
    // Closing fails only where the pool is none of sqlx's.
    let _ = connection.close().await;
}
