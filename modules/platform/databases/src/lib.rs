//! A database of its own for each test, on the engine that the run is for: SQLite, or PostgreSQL
//! where `ASHLAR_TEST_POSTGRES` holds the address of a superuser, such as
//! `postgres://postgres@127.0.0.1:5432/postgres`. So the same suites run over both.
//!
//! A development dependency only. It reads the environment, as no other platform crate does: which
//! engine a test run is for is nothing that a test could be told otherwise.

pub mod catalogue;
mod contract;
pub mod isolation;
mod postgres;
mod server;

use std::{env, io, path::Path};

use kernel::Secret;
use sea_orm_migration::MigratorTrait;
use storage::{Engine, StoreError};
use tempfile::TempDir;

pub use contract::SchemaContract;
pub use postgres::PostgresDatabase;
pub use server::{Logins, PrivateServer, SUPERUSER_PASSWORD, as_unprivileged};

/// Names the superuser's address.
pub const POSTGRES: &str = "ASHLAR_TEST_POSTGRES";

/// One test's data, of one module. They go when this does.
#[derive(Debug)]
pub struct TestDatabase {
    kind: Kind,
    folder: TempDir,
}

#[derive(Debug)]
enum Kind {
    /// A file in the folder.
    Sqlite {
        module: &'static str,
    },
    Postgres(PostgresDatabase),
}

/// Why a test has no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No folder could be made.
    #[error("a temporary folder could not be made")]
    Folder(#[source] io::Error),
    /// The server did not do as it was told.
    #[error("the PostgreSQL server for tests failed")]
    Server(#[source] sea_orm::DbErr),
    /// The schema could not be made.
    #[error("the schema could not be made")]
    Schema(#[source] StoreError),
}

impl TestDatabase {
    /// A new one for `module`, with the schema of `M`.
    ///
    /// # Errors
    /// A folder or a database that could not be made.
    pub async fn new<M: MigratorTrait>(module: &'static str) -> Result<Self, DatabaseError> {
        let folder = tempfile::tempdir().map_err(DatabaseError::Folder)?;
        let kind = match superuser() {
            Some(url) => Kind::Postgres(PostgresDatabase::new::<M>(&url, module).await?),
            None => Kind::Sqlite { module },
        };
        Ok(Self { kind, folder })
    }

    /// What a store is opened with.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.kind {
            Kind::Sqlite { module } => Engine::Sqlite {
                path: self.folder.path().join("data").join(format!("{module}.db")),
            },
            Kind::Postgres(database) => Engine::Postgres(database.config()),
        }
    }

    /// Where other files of the test may be.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The address of the superuser, for a test that is about PostgreSQL alone.
///
/// # Panics
/// Where there is none: such a test would prove nothing.
#[must_use]
#[expect(clippy::panic, reason = "a test without its server must fail, and say what it needs")]
pub fn required_superuser() -> Secret {
    superuser().unwrap_or_else(|| {
        panic!(
            "this test needs PostgreSQL: run `cargo xtask test`, or set {POSTGRES} to the address \
             of a superuser, such as postgres://postgres@127.0.0.1:5432/postgres"
        )
    })
}

/// The address of a superuser of the server that tests may use; `None` where the run is for the
/// embedded engine.
#[must_use]
pub fn superuser() -> Option<Secret> {
    env::var(POSTGRES).ok().filter(|url| !url.is_empty()).map(Secret::new)
}
