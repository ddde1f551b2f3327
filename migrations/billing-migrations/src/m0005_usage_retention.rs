//! What was counted long ago can be found, and forgotten for all tenants at once.

use sea_orm_migration::prelude::*;
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0005_usage_retention"
    }
}

const INDEX: &str = "usage_events_by_age";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_age = Index::create().name(INDEX).table("usage_events").col("created_at").take();
        manager.create_index(by_age).await?;
        access::give_to_system(manager, "usage_events", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        access::take_from_system(manager, "usage_events").await?;
        manager.drop_index(Index::drop().name(INDEX).table("usage_events").to_owned()).await
    }
}
