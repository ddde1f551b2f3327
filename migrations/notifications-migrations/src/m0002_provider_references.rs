//! What the mail provider calls a mail that it took.

#![expect(
    elided_lifetimes_in_paths,
    reason = "sea-orm's trait is declared so, and async-trait makes spelling it another signature"
)]

use sea_orm_migration::{async_trait::async_trait, prelude::*};
use storage::schema::text_null;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "notifications_0002_provider_references"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    /// Safe under the version before: it leaves the column null.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("mails").add_column(text_null(COLUMN)).take();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("mails").drop_column(COLUMN).take()).await
    }
}

const COLUMN: &str = "provider_reference";
