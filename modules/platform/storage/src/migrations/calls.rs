//! What makes writes once-only: between modules, and for clients of the public API.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{ColumnDef, DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table},
};

use crate::{
    access::{self, System},
    schema::{json_null, tenant_id, text, timestamp},
};

pub(super) struct CreateCallRecords;

impl MigrationName for CreateCallRecords {
    fn name(&self) -> &str {
        "platform_0003_create_call_records"
    }
}

#[async_trait]
impl MigrationTrait for CreateCallRecords {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("call_records")
                    .col(tenant_id())
                    .col(text("key"))
                    .col(text("method"))
                    .col(text("argument_hash"))
                    .col(json_null("outcome"))
                    .col(timestamp("created_at"))
                    .primary_key(Index::create().col("tenant_id").col("key").col("method"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("call_records_by_age")
                    .table("call_records")
                    .col("created_at")
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("idempotency_keys")
                    .col(tenant_id())
                    .col(text("route"))
                    .col(text("key"))
                    .col(text("body_hash"))
                    .col(text("state"))
                    .col(ColumnDef::new("status").integer().null())
                    .col(json_null("response"))
                    .col(timestamp("claimed_at"))
                    .col(timestamp("lease_until"))
                    .col(timestamp("expires_at"))
                    .primary_key(Index::create().col("tenant_id").col("route").col("key"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("idempotency_keys_by_expiry")
                    .table("idempotency_keys")
                    .col("expires_at")
                    .take(),
            )
            .await?;
        // The system sweeps what has had its time.
        access::tenant_table(manager, "call_records", System::Writes).await?;
        access::tenant_table(manager, "idempotency_keys", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["idempotency_keys", "call_records"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
