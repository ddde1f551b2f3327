//! The table of {{words}}.

#![expect(
    elided_lifetimes_in_paths,
    reason = "sea-orm's trait is declared so, and async-trait makes spelling it another signature"
)]

use sea_orm_migration::{async_trait::async_trait, prelude::*};
use storage::{
    access::{self, System},
    schema::{tenant_id, text, timestamps, uuid},
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "{{name}}_0001_{{name}}"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let [created_at, updated_at] = timestamps();
        let table = Table::create()
            .table("{{name}}")
            .col(tenant_id())
            .col(uuid("id"))
            .col(text("name"))
            .col(created_at)
            .col(updated_at)
            .primary_key(Index::create().col("tenant_id").col("id"))
            .take();
        manager.create_table(table).await?;
        let newest_first = Index::create()
            .name("{{name}}_newest_first")
            .table("{{name}}")
            .col("tenant_id")
            .col(("created_at", IndexOrder::Desc))
            .col(("id", IndexOrder::Desc))
            .take();
        manager.create_index(newest_first).await?;
        access::tenant_table(manager, "{{name}}", System::None).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("{{name}}").take()).await
    }
}
