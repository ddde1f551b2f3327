//! Usage: what was counted, so that nothing is counted twice, and the totals.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string_len, timestamp_with_time_zone, uuid},
};
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0003_usage"
    }
}

#[derive(DeriveIden)]
enum UsageEvents {
    Table,
    TenantId,
    EventId,
    Meter,
    Quantity,
    At,
    CreatedAt,
}

#[derive(DeriveIden)]
enum UsageTotals {
    Table,
    TenantId,
    Id,
    Meter,
    PeriodStart,
    Quantity,
    CreatedAt,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(usage_events()).await?;
        manager.create_table(usage_totals()).await?;
        manager
            .create_index(
                Index::create()
                    .name("usage_totals_one_per_meter_and_period")
                    .table(UsageTotals::Table)
                    .col(UsageTotals::TenantId)
                    .col(UsageTotals::PeriodStart)
                    .col(UsageTotals::Meter)
                    .unique()
                    .to_owned(),
            )
            .await?;
        access::tenant_table(manager, "usage_events", System::None).await?;
        access::tenant_table(manager, "usage_totals", System::None).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(UsageTotals::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(UsageEvents::Table).to_owned()).await
    }
}

fn usage_events() -> TableCreateStatement {
    Table::create()
        .table(UsageEvents::Table)
        .col(uuid(UsageEvents::TenantId))
        .col(string_len(UsageEvents::EventId, 255))
        .col(string_len(UsageEvents::Meter, 64))
        .col(big_integer(UsageEvents::Quantity))
        .col(timestamp_with_time_zone(UsageEvents::At))
        .col(timestamp_with_time_zone(UsageEvents::CreatedAt))
        .primary_key(Index::create().col(UsageEvents::TenantId).col(UsageEvents::EventId))
        .to_owned()
}

fn usage_totals() -> TableCreateStatement {
    Table::create()
        .table(UsageTotals::Table)
        .col(uuid(UsageTotals::TenantId))
        .col(uuid(UsageTotals::Id))
        .col(string_len(UsageTotals::Meter, 64))
        .col(timestamp_with_time_zone(UsageTotals::PeriodStart))
        .col(big_integer(UsageTotals::Quantity))
        .col(timestamp_with_time_zone(UsageTotals::CreatedAt))
        .col(timestamp_with_time_zone(UsageTotals::UpdatedAt))
        .primary_key(Index::create().col(UsageTotals::TenantId).col(UsageTotals::Id))
        .to_owned()
}
