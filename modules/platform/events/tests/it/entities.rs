//! The tables of a module that counts.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = storage::migrations();
        all.push(Box::new(create::CreateApplied));
        all
    }
}

/// What effects did, in order.
pub(crate) mod applied {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "applied")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) seq: i64,
        pub(crate) tenant_id: Uuid,
        pub(crate) consumer: String,
        pub(crate) counter: Uuid,
        pub(crate) n: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

mod create {
    #![expect(
        elided_lifetimes_in_paths,
        reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
    )]

    use sea_orm_migration::prelude::{
        ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager, Table, async_trait,
    };
    use storage::{
        access::{self, System},
        schema::{big_integer, tenant_id, text, uuid},
    };

    pub(super) struct CreateApplied;

    impl MigrationName for CreateApplied {
        fn name(&self) -> &str {
            "tests_0001_create_applied"
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for CreateApplied {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            let seq: ColumnDef = big_integer("seq").auto_increment().primary_key().take();
            manager
                .create_table(
                    Table::create()
                        .table("applied")
                        .col(seq)
                        .col(tenant_id())
                        .col(text("consumer"))
                        .col(uuid("counter"))
                        .col(big_integer("n"))
                        .take(),
                )
                .await?;
            access::tenant_table(manager, "applied", System::Reads).await
        }

        async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.drop_table(Table::drop().table("applied").take()).await
        }
    }
}
