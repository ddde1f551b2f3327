//! One account for each tenant, which is what concurrent work of a tenant locks, and its seats.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string_len, timestamp_with_time_zone, uuid},
};
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0001_accounts_and_seats"
    }
}

#[derive(DeriveIden)]
enum Accounts {
    Table,
    TenantId,
    LastInvoice,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Seats {
    Table,
    TenantId,
    Holder,
    CreatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(accounts()).await?;
        manager.create_table(seats()).await?;
        access::tenant_table(manager, "accounts", System::None).await?;
        access::tenant_table(manager, "seats", System::None).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Seats::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Accounts::Table).to_owned()).await
    }
}

fn accounts() -> TableCreateStatement {
    Table::create()
        .table(Accounts::Table)
        .col(uuid(Accounts::TenantId).primary_key())
        .col(big_integer(Accounts::LastInvoice))
        .col(timestamp_with_time_zone(Accounts::CreatedAt))
        .col(timestamp_with_time_zone(Accounts::UpdatedAt))
        .to_owned()
}

fn seats() -> TableCreateStatement {
    Table::create()
        .table(Seats::Table)
        .col(uuid(Seats::TenantId))
        .col(string_len(Seats::Holder, 100))
        .col(timestamp_with_time_zone(Seats::CreatedAt))
        .primary_key(Index::create().col(Seats::TenantId).col(Seats::Holder))
        .to_owned()
}
