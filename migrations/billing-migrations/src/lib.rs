//! The schema of the billing module.
//!
//! *Invariant*: a migration that was released is never changed; the next one is written instead.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]

mod m0001_accounts_and_seats;
mod m0002_subscriptions_and_invoices;
mod m0003_usage;
mod m0004_payments;
mod m0005_usage_retention;
mod m0006_paying_tenants;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

/// The platform's tables and the module's own, in the order in which they are made.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = storage::migrations();
        migrations.push(Box::new(m0001_accounts_and_seats::Migration));
        migrations.push(Box::new(m0002_subscriptions_and_invoices::Migration));
        migrations.push(Box::new(m0003_usage::Migration));
        migrations.push(Box::new(m0004_payments::Migration));
        migrations.push(Box::new(m0005_usage_retention::Migration));
        migrations.push(Box::new(m0006_paying_tenants::Migration));
        migrations
    }
}
