//! The tables that every module's database has.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]

mod calls;
mod inbox;
mod numbered;
mod open;
mod outbox;
mod unsent;

use sea_orm_migration::MigrationTrait;

/// The platform's migrations. A module's migrator returns these, followed by its own:
///
/// ```
/// # use sea_orm_migration::{MigrationTrait, MigratorTrait};
/// # fn own() -> Vec<Box<dyn MigrationTrait>> { Vec::new() }
/// pub struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         storage::migrations().into_iter().chain(own()).collect()
///     }
/// }
/// ```
///
/// Their names begin with `platform_`; a module's own begin with the module's name. A name never
/// changes: databases remember it.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(outbox::CreateOutbox),
        Box::new(inbox::CreateInbox),
        Box::new(calls::CreateCallRecords),
        Box::new(unsent::IndexUnsent),
        Box::new(numbered::NumberByTransaction),
        Box::new(open::IndexOpen),
    ]
}
