//! The tables of a module that exists for these tests alone.

use sea_orm_migration::{
    MigrationTrait, MigratorTrait,
    async_trait::async_trait,
    prelude::{DbErr, Index, MigrationName, SchemaManager, Table},
};

/// A table of tenants whose key is the id.
pub(crate) mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notes")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) tenant_id: Uuid,
        pub(crate) title: String,
        pub(crate) stars: i64,
        pub(crate) written_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// A table of tenants whose key begins with the tenant.
pub(crate) mod counter {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "counters")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) name: String,
        pub(crate) value: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// A table of no tenant.
pub(crate) mod setting {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "settings")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) name: String,
        pub(crate) value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::global_entity!(Entity);
}

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let own: Box<dyn MigrationTrait> = Box::new(CreateNotes);
        storage::migrations().into_iter().chain([own]).collect()
    }
}

struct CreateNotes;

impl MigrationName for CreateNotes {
    fn name(&self) -> &str {
        "notes_0001_create_notes"
    }
}

#[async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]
impl MigrationTrait for CreateNotes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use storage::{
            access::{self, System},
            schema::{big_integer, id, tenant_id, text, timestamp},
        };

        manager
            .create_table(
                Table::create()
                    .table("notes")
                    .col(id())
                    .col(tenant_id())
                    .col(text("title"))
                    .col(big_integer("stars"))
                    .col(timestamp("written_at"))
                    .index(Index::create().unique().col("tenant_id").col("title"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("counters")
                    .col(tenant_id())
                    .col(text("name"))
                    .col(big_integer("value"))
                    .primary_key(Index::create().col("tenant_id").col("name"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("settings")
                    .col(text("name").primary_key().take())
                    .col(text("value"))
                    .take(),
            )
            .await?;
        access::tenant_table(manager, "notes", System::Writes).await?;
        access::tenant_table(manager, "counters", System::Writes).await?;
        access::global_table(manager, "settings").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["settings", "counters", "notes"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
