//! Indexes of what is still to be done, and of nothing else: a row that was handled at once, as
//! nearly all are, costs two entries of an index rather than four.

use sea_orm_migration::{
    async_trait::async_trait,
    prelude::{
        ConditionalStatement, DbErr, Expr, ExprTrait, Index, IndexCreateStatement, MigrationName,
        MigrationTrait, SchemaManager,
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
        let is_open = || Expr::col("done_at").is_null();
        let indexes = [
            // What is to be tried now, and what is dead.
            index("inbox_open", "inbox", &["state", "next_attempt_at"]).and_where(is_open()).take(),
            // Whether an earlier one of the same key waits.
            index("inbox_open_by_key", "inbox", &["consumer", "ordering_key", "received_at"])
                .and_where(is_open())
                .take(),
            // What has had its time.
            index("outbox_sent", "outbox", &["sent_at"])
                .and_where(Expr::col("sent_at").is_not_null())
                .take(),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
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
            manager.create_index(index(name, table, columns)).await?;
        }
        for (name, table) in
            [("outbox_sent", "outbox"), ("inbox_open_by_key", "inbox"), ("inbox_open", "inbox")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn index(name: &str, table: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table.to_owned());
    for column in columns {
        index.col((*column).to_owned());
    }
    index.take()
}
