//! How many tenants pay can be counted over all of them.

use sea_orm_migration::prelude::*;
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0006_paying_tenants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        access::give_to_system(manager, "subscriptions", System::Reads).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        access::take_from_system(manager, "subscriptions").await
    }
}
