//! Schemas and their versions, on either engine.

use std::path::Path;

use sea_orm_migration::MigratorTrait;

use crate::{
    StoreError,
    sqlite::{PATIENCE, Sqlite},
};

/// What migrating a schema did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// What had to be created first, such as `role billing_app`; nothing on the embedded engine.
    pub made: Vec<String>,
    /// The migrations that were applied, or taken back, in that order.
    pub migrations: Vec<String>,
}

/// Which migrations a database has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaStatus {
    /// Applied, in their order.
    pub applied: Vec<String>,
    /// Known to this build and not applied, in their order.
    pub pending: Vec<String>,
    /// Applied by a newer build, and not known to this one.
    pub unknown: Vec<String>,
}

impl SchemaStatus {
    pub(crate) fn of<M: MigratorTrait>(applied: Vec<String>) -> Self {
        let own: Vec<String> = M::migrations().iter().map(|own| own.name().to_owned()).collect();
        let (mut known, pending): (Vec<_>, Vec<_>) =
            own.iter().cloned().partition(|name| applied.contains(name));
        let unknown: Vec<_> = applied.into_iter().filter(|name| !own.contains(name)).collect();
        known.extend(unknown.iter().cloned());
        Self { applied: known, pending, unknown }
    }

    /// What was applied here and is not in `after`, the latest first.
    pub(crate) fn taken_back(&self, after: &Self) -> Vec<String> {
        self.applied.iter().rev().filter(|name| !after.applied.contains(name)).cloned().collect()
    }
}

/// An SQLite file, opened to change its schema. The file's lock is held meanwhile.
pub struct SqliteSchema {
    module: &'static str,
    database: Sqlite,
}

impl SqliteSchema {
    /// Opens the file, which is created where it is not there.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Open`].
    pub fn open(module: &'static str, path: &Path) -> Result<Self, StoreError> {
        Ok(Self { module, database: Sqlite::open(module, path, PATIENCE)? })
    }

    /// Applies what is pending, all in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Migration`].
    pub async fn up<M: MigratorTrait>(&self) -> Result<Migrated, StoreError> {
        let before = self.status::<M>().await?;
        self.database.migrate::<M>(self.module).await?;
        Ok(Migrated { made: Vec::new(), migrations: before.pending })
    }

    /// Takes back the last `steps` migrations, all in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Migration`].
    pub async fn down<M: MigratorTrait>(&self, steps: u32) -> Result<Migrated, StoreError> {
        let before = self.status::<M>().await?;
        self.database.migrate_down::<M>(self.module, steps).await?;
        let after = self.status::<M>().await?;
        Ok(Migrated { made: Vec::new(), migrations: before.taken_back(&after) })
    }

    /// Which migrations the file has.
    ///
    /// # Errors
    /// [`StoreError::Migration`].
    pub async fn status<M: MigratorTrait>(&self) -> Result<SchemaStatus, StoreError> {
        Ok(SchemaStatus::of::<M>(self.database.applied_migrations(self.module).await?))
    }

    /// Closes the file and gives its lock back.
    pub async fn close(self) {
        self.database.close().await;
    }
}

impl std::fmt::Debug for SqliteSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteSchema").field("module", &self.module).finish_non_exhaustive()
    }
}
