//! Indexes of what is still to be done, and of nothing else: a row that was handled at once, as
//! nearly all are, costs two entries of an index rather than four.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{
        ConditionalStatement, DbErr, Expr, ExprTrait, Index, MigrationName, MigrationTrait,
        SchemaManager,
    },
};

pub(super) struct IndexOpen;

impl MigrationName for IndexOpen {
    fn name(&self) -> &str {
        "platform_0006_index_open"
    }
}

#[async_trait]
impl MigrationTrait for IndexOpen {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What is to be tried now, and what is dead.
        manager
            .create_index(
                Index::create()
                    .name("inbox_open")
                    .table("inbox")
                    .col("state")
                    .col("next_attempt_at")
                    .and_where(Expr::col("done_at").is_null())
                    .take(),
            )
            .await?;
        // Whether an earlier one of the same key waits.
        manager
            .create_index(
                Index::create()
                    .name("inbox_open_by_key")
                    .table("inbox")
                    .col("consumer")
                    .col("ordering_key")
                    .col("received_at")
                    .and_where(Expr::col("done_at").is_null())
                    .take(),
            )
            .await?;
        // What has had its time.
        manager
            .create_index(
                Index::create()
                    .name("outbox_sent")
                    .table("outbox")
                    .col("sent_at")
                    .and_where(Expr::col("sent_at").is_not_null())
                    .take(),
            )
            .await?;
        for (name, table) in
            [("inbox_by_state", "inbox"), ("inbox_by_key", "inbox"), ("outbox_by_sent", "outbox")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, columns) in [
            ("inbox_by_state", "inbox", &["state", "next_attempt_at"][..]),
            ("inbox_by_key", "inbox", &["consumer", "ordering_key", "state"]),
            ("outbox_by_sent", "outbox", &["sent_at", "destination", "seq"]),
        ] {
            let mut index = Index::create();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.name(name).table(table).take()).await?;
        }
        for (name, table) in
            [("outbox_sent", "outbox"), ("inbox_open_by_key", "inbox"), ("inbox_open", "inbox")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}
