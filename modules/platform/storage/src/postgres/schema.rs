//! A module's schema and its roles, as whoever migrates them works on them.

mod owner;

use std::{fmt, str::FromStr, time::Duration};

use kernel::Secret;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement,
    sqlx::{ConnectOptions as _, Error, Postgres, pool::PoolOptions, postgres::PgConnectOptions},
};
use sea_orm_migration::MigratorTrait;

use super::{
    errors::{has_code, unreachable},
    fit::{names, refuse_moved},
    pool::failed,
    roles,
};
use crate::{Migrated, SchemaStatus, StoreError};

/// How long a migration waits for a lock that somebody else has: a migration that waited longer
/// would hold up everybody who comes after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a change of a role is tried that another migration changed at the same moment: roles
/// belong to all databases of a server.
const ROLE_ATTEMPTS: u32 = 20;

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
        // Of data that were moved nothing is changed: not even a password.
        self.refuse_moved().await?;
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
        self.refuse_moved().await?;
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

    /// Needs no right to the schema, which a login may first be given by [`PostgresSchema::up`].
    async fn refuse_moved(&self) -> Result<(), StoreError> {
        let module = self.module;
        let comment = format!(
            "SELECT obj_description(to_regnamespace('\"{module}\"'), 'pg_namespace') AS comment"
        );
        let comment = self.ask(&comment).await?;
        refuse_moved(module, &comment).map_err(|source| self.failed(source))?
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

const DUPLICATE_OBJECT: &str = "42710";
const DUPLICATE_SCHEMA: &str = "42P06";
const UNIQUE_VIOLATION: &str = "23505";
/// "tuple concurrently updated" has no code of its own.
const INTERNAL_ERROR: &str = "XX000";

fn is_concurrent(error: &DbErr) -> bool {
    has_code(error, &[DUPLICATE_OBJECT, DUPLICATE_SCHEMA, UNIQUE_VIOLATION, INTERNAL_ERROR])
}

async fn close(connection: DatabaseConnection) {
    // Closing fails only where the pool is none of sqlx's.
    let _ = connection.close().await;
}
