//! Facts that came in.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table},
};

use crate::{
    access,
    schema::{integer, json, json_null, text, timestamp, timestamp_null, uuid, uuid_null},
};

pub(super) struct CreateInbox;

impl MigrationName for CreateInbox {
    fn name(&self) -> &str {
        "platform_0002_create_inbox"
    }
}

#[async_trait]
impl MigrationTrait for CreateInbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("inbox")
                    .col(uuid("event_id"))
                    .col(text("consumer"))
                    .col(uuid_null("tenant_id"))
                    .col(text("state"))
                    .col(text("ordering_key"))
                    .col(json_null("envelope"))
                    .col(integer("attempts"))
                    .col(timestamp("next_attempt_at"))
                    .col(json("history"))
                    .col(timestamp("received_at"))
                    .col(timestamp_null("done_at"))
                    .primary_key(Index::create().col("event_id").col("consumer"))
                    .take(),
            )
            .await?;
        // What is to be tried now, and how much is dead: until `platform_0006_index_open`.
        manager
            .create_index(
                Index::create()
                    .name("inbox_by_state")
                    .table("inbox")
                    .col("state")
                    .col("next_attempt_at")
                    .take(),
            )
            .await?;
        // Whether an earlier one of the same key waits: until then, too.
        manager
            .create_index(
                Index::create()
                    .name("inbox_by_key")
                    .table("inbox")
                    .col("consumer")
                    .col("ordering_key")
                    .col("state")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("inbox_by_done").table("inbox").col("done_at").take(),
            )
            .await?;
        // Some events belong to no tenant, and none of a tenant's calls looks here.
        access::global_table(manager, "inbox").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("inbox").take()).await
    }
}
