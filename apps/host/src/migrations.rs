//! A module's migrations, to be applied without mounting the module.

use std::{fmt, marker::PhantomData};

use async_trait::async_trait;
use sea_orm_migration::MigratorTrait;
use storage::{Migrated, PostgresSchema, SchemaStatus, SqliteSchema, StoreError};

/// The migrations of one module: `Migrations::of::<billing_migrations::Migrator>()`.
pub struct Migrations(Box<dyn Steps>);

impl Migrations {
    /// Those of `M`, which holds the platform's and the module's own.
    #[must_use]
    pub fn of<M: MigratorTrait + 'static>() -> Self {
        Self(Box::new(Of::<M>(PhantomData)))
    }

    /// What a database has that nothing was ever applied to.
    pub(crate) fn status_of_nothing(&self) -> SchemaStatus {
        SchemaStatus { pending: self.0.names(), ..SchemaStatus::default() }
    }

    pub(crate) async fn up(&self, schema: &Schema) -> Result<Migrated, StoreError> {
        self.0.up(schema).await
    }

    pub(crate) async fn down(&self, schema: &Schema, steps: u32) -> Result<Migrated, StoreError> {
        self.0.down(schema, steps).await
    }

    pub(crate) async fn status(&self, schema: &Schema) -> Result<SchemaStatus, StoreError> {
        self.0.status(schema).await
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Migrations").field(&self.0.names()).finish()
    }
}

/// A module's schema, opened with the rights to change it.
pub(crate) enum Schema {
    Sqlite(SqliteSchema),
    Postgres(Box<PostgresSchema>),
}

impl Schema {
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(schema) => schema.close().await,
            Self::Postgres(schema) => schema.close().await,
        }
    }
}

/// A migrator is a type without a value: this is the value.
#[async_trait]
trait Steps: Send + Sync {
    fn names(&self) -> Vec<String>;
    async fn up(&self, schema: &Schema) -> Result<Migrated, StoreError>;
    async fn down(&self, schema: &Schema, steps: u32) -> Result<Migrated, StoreError>;
    async fn status(&self, schema: &Schema) -> Result<SchemaStatus, StoreError>;
}

struct Of<M>(PhantomData<fn() -> M>);

#[async_trait]
impl<M: MigratorTrait + 'static> Steps for Of<M> {
    fn names(&self) -> Vec<String> {
        M::migrations().iter().map(|migration| migration.name().to_owned()).collect()
    }

    async fn up(&self, schema: &Schema) -> Result<Migrated, StoreError> {
        match schema {
            Schema::Sqlite(schema) => schema.up::<M>().await,
            Schema::Postgres(schema) => schema.up::<M>().await,
        }
    }

    async fn down(&self, schema: &Schema, steps: u32) -> Result<Migrated, StoreError> {
        match schema {
            Schema::Sqlite(schema) => schema.down::<M>(steps).await,
            Schema::Postgres(schema) => schema.down::<M>(steps).await,
        }
    }

    async fn status(&self, schema: &Schema) -> Result<SchemaStatus, StoreError> {
        match schema {
            Schema::Sqlite(schema) => schema.status::<M>().await,
            Schema::Postgres(schema) => schema.status::<M>().await,
        }
    }
}
