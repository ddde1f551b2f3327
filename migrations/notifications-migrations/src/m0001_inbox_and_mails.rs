//! The in-app inbox, who has read what, and the mails.

#![expect(
    elided_lifetimes_in_paths,
    reason = "sea-orm's trait is declared so, and async-trait makes spelling it another signature"
)]

use sea_orm_migration::{async_trait::async_trait, prelude::*};
use storage::{
    access::{self, System},
    schema::{json, tenant_id, text, text_null, timestamp, timestamp_null, uuid},
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "notifications_0001_inbox_and_mails"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(notifications()).await?;
        manager
            .create_index(
                Index::create()
                    .name("notifications_newest_first")
                    .table("notifications")
                    .col("tenant_id")
                    .col(("created_at", IndexOrder::Desc))
                    .col(("id", IndexOrder::Desc))
                    .take(),
            )
            .await?;
        manager.create_table(notification_reads()).await?;
        manager.create_table(mails()).await?;
        manager
            .create_index(
                Index::create().name("mails_by_age").table("mails").col("updated_at").take(),
            )
            .await?;
        access::tenant_table(manager, "notifications", System::None).await?;
        access::tenant_table(manager, "notification_reads", System::None).await?;
        // Old mails are deleted for all tenants at once.
        access::tenant_table(manager, "mails", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["mails", "notification_reads", "notifications"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn notifications() -> TableCreateStatement {
    Table::create()
        .table("notifications")
        .col(tenant_id())
        .col(uuid("id"))
        .col(text("audience"))
        .col(text("kind"))
        .col(text("title"))
        .col(text("body"))
        .col(timestamp("created_at"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .take()
}

fn notification_reads() -> TableCreateStatement {
    Table::create()
        .table("notification_reads")
        .col(tenant_id())
        .col(uuid("notification_id"))
        .col(uuid("user_id"))
        .col(timestamp("read_at"))
        .primary_key(Index::create().col("tenant_id").col("notification_id").col("user_id"))
        .foreign_key(
            ForeignKey::create()
                .name("notification_reads_notification_fkey")
                .from("notification_reads", ("tenant_id", "notification_id"))
                .to("notifications", ("tenant_id", "id"))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn mails() -> TableCreateStatement {
    Table::create()
        .table("mails")
        .col(tenant_id())
        .col(uuid("id"))
        .col(text("recipient"))
        .col(json("content"))
        .col(text_null("sealed_token"))
        .col(text("state"))
        .col(text_null("refusal"))
        .col(timestamp("created_at"))
        .col(timestamp("updated_at"))
        .col(timestamp_null("sent_at"))
        .primary_key(Index::create().col("tenant_id").col("id"))
        .take()
}
