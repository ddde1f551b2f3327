//! The schema of the notifications module.
//!
//! *Invariant*: a migration that was released is never changed; the next one is written instead.

mod m0001_inbox_and_mails;
mod m0002_provider_references;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

/// The platform's tables and the module's own, in the order in which they are made.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = storage::migrations();
        migrations.push(Box::new(m0001_inbox_and_mails::Migration));
        migrations.push(Box::new(m0002_provider_references::Migration));
        migrations
    }
}
