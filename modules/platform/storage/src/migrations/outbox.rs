//! Facts on their way out, now and later.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{ColumnDef, DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table},
};

use crate::{
    access::{self, System},
    schema::{
        big_integer, id, integer, json, text, text_null, timestamp, timestamp_null, uuid, uuid_null,
    },
};

pub(super) struct CreateOutbox;

impl MigrationName for CreateOutbox {
    fn name(&self) -> &str {
        "platform_0001_create_outbox"
    }
}

#[async_trait]
impl MigrationTrait for CreateOutbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("outbox")
                    .col(big_integer("seq").auto_increment().primary_key().take())
                    .col(uuid("event_id"))
                    .col(text("destination"))
                    .col(integer("lane"))
                    .col(text("ordering_key"))
                    .col(uuid_null("tenant_id"))
                    .col(json("envelope"))
                    .col(integer("attempts"))
                    .col(timestamp("next_attempt_at"))
                    .col(text_null("last_error"))
                    .col(timestamp("created_at"))
                    .col(timestamp_null("sent_at"))
                    .take(),
            )
            .await?;
        // The sweeper asks for what was sent before a day, operators for what waits, by destination.
        // The relay has had an index of its own since `platform_0004_index_unsent`, and the others
        // since `platform_0006_index_open`.
        manager
            .create_index(
                Index::create()
                    .name("outbox_by_sent")
                    .table("outbox")
                    .col("sent_at")
                    .col("destination")
                    .col("seq")
                    .take(),
            )
            .await?;
        // Whether an earlier row of the same key waits.
        manager
            .create_index(
                Index::create()
                    .name("outbox_by_key")
                    .table("outbox")
                    .col("destination")
                    .col("ordering_key")
                    .col("sent_at")
                    .col("seq")
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("lanes")
                    .col(ColumnDef::new("lane").integer().not_null().primary_key())
                    .col(text("leased_by"))
                    .col(timestamp("leased_until"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("scheduled")
                    .col(id())
                    .col(text("dedup_key").unique_key().take())
                    .col(uuid_null("tenant_id"))
                    .col(timestamp("due_at"))
                    .col(json("envelope"))
                    .col(timestamp("created_at"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("scheduled_by_due").table("scheduled").col("due_at").take(),
            )
            .await?;
        // A tenant takes back what it scheduled, by key.
        manager
            .create_index(
                Index::create()
                    .name("scheduled_of_a_tenant")
                    .table("scheduled")
                    .col("tenant_id")
                    .col("dedup_key")
                    .take(),
            )
            .await?;
        access::left_by_tenants(manager, "outbox").await?;
        access::global_table(manager, "lanes").await?;
        access::tenant_table(manager, "scheduled", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["scheduled", "lanes", "outbox"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
