//! The way to what is still to be sent, past all that was.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{
        ConditionalStatement, DbErr, Expr, ExprTrait, Index, MigrationName, MigrationTrait,
        SchemaManager,
    },
};

pub(super) struct IndexUnsent;

impl MigrationName for IndexUnsent {
    fn name(&self) -> &str {
        "platform_0004_index_unsent"
    }
}

#[async_trait]
impl MigrationTrait for IndexUnsent {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What is to be sent to a destination, in order. It holds nothing else, so that it stays
        // small and no statistics can mislead a planner about it.
        manager
            .create_index(
                Index::create()
                    .name("outbox_unsent")
                    .table("outbox")
                    .col("destination")
                    .col("seq")
                    .and_where(Expr::col("sent_at").is_null())
                    .take(),
            )
            .await?;
        // What was sent in vain: nearly always nothing.
        manager
            .create_index(
                Index::create()
                    .name("outbox_held_back")
                    .table("outbox")
                    .col("destination")
                    .col("ordering_key")
                    .and_where(Expr::col("sent_at").is_null().and(Expr::col("attempts").gt(0)))
                    .take(),
            )
            .await?;
        // Nobody looks for a row by its key any more.
        manager.drop_index(Index::drop().name("outbox_by_key").table("outbox").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
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
        for name in ["outbox_held_back", "outbox_unsent"] {
            manager.drop_index(Index::drop().name(name).table("outbox").to_owned()).await?;
        }
        Ok(())
    }
}
