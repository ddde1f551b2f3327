//! The module as a later build knows it: with one migration more.

use sea_orm_migration::{
    MigrationTrait, MigratorTrait,
    async_trait::async_trait,
    prelude::{DbErr, Index, MigrationName, SchemaManager, Table},
};
use storage::schema::text_null;

use crate::entities::Migrator;

/// Notes with tags.
pub(crate) struct WithTags;

impl MigratorTrait for WithTags {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = Migrator::migrations();
        all.push(Box::new(Tags));
        all
    }
}

/// Adds a column that older builds do not know, and a key that they do not know either.
pub(crate) struct Tags;

impl MigrationName for Tags {
    fn name(&self) -> &str {
        "notes_0002_tags"
    }
}

#[async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]
impl MigrationTrait for Tags {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut tag = text_null("tag");
        manager.alter_table(Table::alter().table("notes").add_column(&mut tag).take()).await?;
        manager
            .create_index(
                Index::create()
                    .name("notes_one_per_tag")
                    .table("notes")
                    .col("tenant_id")
                    .col("tag")
                    .unique()
                    .take(),
            )
            .await?;
        // A running older build meets this one.
        manager
            .create_index(
                Index::create()
                    .name("counters_one_per_value")
                    .table("counters")
                    .col("tenant_id")
                    .col("value")
                    .unique()
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in
            [("counters_one_per_value", "counters"), ("notes_one_per_tag", "notes")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("notes").drop_column("tag").take()).await
    }
}
